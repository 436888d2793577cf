using System.Collections.Concurrent;
using Gristmill.Engines;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>
/// This silo's table of deployments, pushed by the deployment grains: a prediction asks no grain. The watch is renewed
/// every half minute, which also repairs a push that was lost.
/// </summary>
public sealed partial class DeploymentRouter : BackgroundService, IDeploymentObserver
{
    private static readonly TimeSpan s_renewal = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, Route> _routes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _removed = new(StringComparer.Ordinal);
    private readonly IGrainFactory _grains;
    private readonly ModelLoader _models;
    private readonly TimeProvider _time;
    private readonly ILogger<DeploymentRouter> _logger;

    /// <summary>Creates the router; it watches from when the host starts.</summary>
    public DeploymentRouter(IGrainFactory grains, ModelLoader models, TimeProvider time, ILogger<DeploymentRouter> logger)
    {
        _grains = grains;
        _models = models;
        _time = time;
        _logger = logger;
    }

    /// <summary>The deployments this silo knows, by name.</summary>
    public IEnumerable<DeploymentView> Deployments => _routes.Values.Select(route => route.Deployment).OrderBy(view => view.Name, StringComparer.Ordinal);

    internal ValueTask<LoadedModel> EnterAsync(string deployment, CancellationToken cancellationToken) =>
        _routes.TryGetValue(deployment, out var route) ? route.EnterAsync(cancellationToken) : throw DeploymentEndpoints.Missing(deployment);

    /// <summary>Loads a deployment's model now.</summary>
    internal async Task WarmAsync(DeploymentView deployment, CancellationToken cancellationToken)
    {
        Apply(deployment);
        (await EnterAsync(deployment.Name, cancellationToken)).Leave();
    }

    /// <inheritdoc/>
    public Task OnChangedAsync(DeploymentView deployment)
    {
        Apply(deployment);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task OnRemovedAsync(string name, long generation)
    {
        _removed.AddOrUpdate(name, generation, (_, known) => Math.Max(known, generation));
        if (_routes.TryGetValue(name, out var route) && route.Deployment.Generation <= generation && _routes.TryRemove(KeyValuePair.Create(name, route)))
        {
            route.Close();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var directory = _grains.GetGrain<IDeploymentDirectoryGrain>("router");
        var self = _grains.CreateObjectReference<IDeploymentObserver>(this);
        using var timer = new PeriodicTimer(s_renewal, _time);
        try
        {
            do
            {
                try
                {
                    // Only what was here before the list was made can be missing from it.
                    var before = _routes.Values.ToArray();
                    var all = await directory.WatchAsync(self);
                    foreach (var deployment in all)
                    {
                        Apply(deployment);
                    }

                    var names = all.Select(deployment => deployment.Name).ToHashSet(StringComparer.Ordinal);
                    foreach (var route in before.Where(route => !names.Contains(route.Deployment.Name)))
                    {
                        await OnRemovedAsync(route.Deployment.Name, route.Deployment.Generation);
                    }
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    LogWatchFailed(e);
                }

                foreach (var route in _routes.Values)
                {
                    if (route.UnloadIfIdle())
                    {
                        LogUnloaded(route.Deployment.Name);
                    }
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        finally
        {
            foreach (var route in _routes.Values)
            {
                route.Close();
            }
        }
    }

    private void Apply(DeploymentView deployment)
    {
        while (true)
        {
            if (_removed.TryGetValue(deployment.Name, out var gone) && gone >= deployment.Generation)
            {
                return;
            }

            if (!_routes.TryGetValue(deployment.Name, out var current))
            {
                if (_routes.TryAdd(deployment.Name, Create(deployment)))
                {
                    return;
                }
            }
            else if (current.Deployment.Generation >= deployment.Generation)
            {
                return;
            }
            else if (_routes.TryUpdate(deployment.Name, Create(deployment), current))
            {
                current.Close();
                return;
            }
        }
    }

    private Route Create(DeploymentView deployment) => new(deployment, package => _models.Load(package), _time);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The watch on deployments could not be renewed; trying again in half a minute")]
    private partial void LogWatchFailed(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Deployment {Name}: model unloaded after its idle time")]
    private partial void LogUnloaded(string name);
}
