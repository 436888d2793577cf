using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Dashboard;

namespace Gristmill.Hosting;

/// <summary>
/// The Orleans dashboard, mapped and started at the first request for it. Mapping reads and compresses 16 MB of its assets
/// and keeps both forms; its collector of metrics holds 14 MB of buffers and works every second. Most silos are never
/// asked for these pages. The metrics begin with the first request too.
/// </summary>
internal sealed class DashboardOnDemand(IServiceProvider services, ILogger<DashboardOnDemand> logger) : IHostedService, IDisposable
{
    private static readonly object s_held = new();
    private readonly Lifecycle _lifecycle = new(logger);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private bool _started;
    private RequestDelegate? _pages;

    /// <summary>Adds the dashboard's services to a silo, those that would start with it held back.</summary>
    public static void Add(ISiloBuilder silo)
    {
        var services = silo.Services;
        var before = services.Count;
        silo.AddDashboard(dashboard => dashboard.HideTrace = true);
        foreach (var service in services.Skip(before).Where(StartsWithTheSilo).ToList())
        {
            services.Remove(service);
            services.Add(service.ImplementationFactory is { } factory
                ? ServiceDescriptor.KeyedSingleton(service.ServiceType, s_held, (sp, _) => factory(sp))
                : ServiceDescriptor.KeyedSingleton(service.ServiceType, s_held, service.ImplementationType!));
        }

        services.AddSingleton<DashboardOnDemand>();
        services.AddHostedService(sp => sp.GetRequiredService<DashboardOnDemand>());
    }

    /// <summary>Maps the dashboard and everything below it.</summary>
    /// <param name="app">The application; its services hold what <see cref="Add"/> added.</param>
    /// <param name="prefix">The path of the dashboard, such as "/orleans".</param>
    public static void Map(WebApplication app, string prefix)
    {
        var dashboard = app.Services.GetRequiredService<DashboardOnDemand>();
        app.Map(prefix + "/{**path}", async http =>
        {
            var pages = dashboard._pages ?? await dashboard.OpenAsync(prefix, http.RequestAborted);
            // The inner routing leaves alone a request that has an endpoint already.
            http.SetEndpoint(null);
            await pages(http);
        }).ExcludeFromDescription();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // The gate stays closed: nobody opens the dashboard of a silo that stops.
        await _gate.WaitAsync(cancellationToken);
        if (_started)
        {
            await _lifecycle.OnStop(cancellationToken);
            foreach (var worker in services.GetKeyedServices<IHostedService>(s_held))
            {
                await worker.StopAsync(cancellationToken);
            }
        }
    }

    public void Dispose() => _gate.Dispose();

    private static bool StartsWithTheSilo(ServiceDescriptor service) => !service.IsKeyedService && service.ImplementationInstance is null &&
        (service.ServiceType == typeof(IHostedService) || service.ServiceType == typeof(ILifecycleParticipant<ISiloLifecycle>));

    private async Task<RequestDelegate> OpenAsync(string prefix, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (!_started)
            {
                // Whoever asked may go away meanwhile; the next one is to find it started.
                foreach (var participant in services.GetKeyedServices<ILifecycleParticipant<ISiloLifecycle>>(s_held))
                {
                    participant.Participate(_lifecycle);
                }

                _started = true;
                await _lifecycle.OnStart(CancellationToken.None);
                foreach (var worker in services.GetKeyedServices<IHostedService>(s_held))
                {
                    await worker.StartAsync(CancellationToken.None);
                }
            }

            return _pages ??= BuildPages(prefix);
        }
        finally
        {
            _gate.Release();
        }
    }

    private RequestDelegate BuildPages(string prefix)
    {
        var inner = new ApplicationBuilder(services);
        inner.UseRouting();
        // What is mapped here joins the application's endpoints: the OpenAPI document is to stay the same before and after.
        inner.UseEndpoints(endpoints => endpoints.MapOrleansDashboard(prefix).ExcludeFromDescription());
        return inner.Build();
    }

    /// <summary>Stands in for the silo's lifecycle, which is over its start when the dashboard is opened.</summary>
    private sealed class Lifecycle(ILogger logger) : LifecycleSubject(logger), ISiloLifecycle
    {
        public int HighestCompletedStage => ServiceLifecycleStage.Last;

        public int LowestStoppedStage => int.MaxValue;
    }
}
