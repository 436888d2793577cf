using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Gristmill.Hosting;

/// <summary>A silo in this process, with a clock that is put forward and without REST.</summary>
internal sealed class EmbeddedSilo(IHost host, EmbeddedSilo.ShiftedClock clock, string csv) : IAsyncDisposable
{
    public ShiftedClock Clock => clock;

    public static async Task<EmbeddedSilo> StartAsync(string folder, Action<GristmillOptions> configure)
    {
        var clock = new ShiftedClock();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleans(silo => silo.UseGristmill(options =>
        {
            options.DataDirectory = Path.Combine(folder, "data");
            options.ObjectDirectory = Path.Combine(folder, "objects");
            options.Executor = ExecutorKind.InProcess;
            configure(options);
        }));
        builder.Services.AddSingleton<TimeProvider>(clock);
        var host = builder.Build();
        await host.StartAsync();
        // It runs when a test says so, not whenever a minute is over.
        await Janitor(host).StopAsync(CancellationToken.None);
        return new EmbeddedSilo(host, clock, Trips.WriteCsv(folder));
    }

    public IServiceProvider Services => host.Services;

    public async Task<RunView> RunAsync(bool noCache = false)
    {
        var pipeline = Pipeline.Create("kept", p => p.Sql($"select carrier, count(*) as n from {p.Read.Csv(csv)} group by carrier order by carrier").Named("carriers"));
        var grains = host.Services.GetRequiredService<IGrainFactory>();
        await grains.RegisterPipelineAsync(pipeline.Spec);
        var id = await grains.GetGrain<IPipelineGrain>("kept").StartRunAsync(new RunRequest { NoCache = noCache });
        await foreach (var change in grains.GetGrain<IRunGrain>(id).WatchAsync(TestContext.Current.CancellationToken))
        {
            if (change.Run is { Ended: not null } over)
            {
                return over;
            }
        }

        throw new InvalidOperationException("The run has no end.");
    }

    public Task<int> CleanAsync() => Janitor(host).CleanAsync(CancellationToken.None);

    public Task RemoveAsync(string run) => Services.GetRequiredService<IGrainFactory>().GetGrain<IRunGrain>(run).RemoveAsync();

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
    }

    private static ObjectJanitor Janitor(IHost host) => host.Services.GetServices<IHostedService>().OfType<ObjectJanitor>().Single();

    internal sealed class ShiftedClock : TimeProvider
    {
        private TimeSpan _shift;

        public void Forward(TimeSpan by) => _shift += by;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _shift;
    }
}
