using Gristmill.Grains.Pipelines;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Gristmill.Grains.Serving;

/// <inheritdoc cref="IDeploymentDirectoryGrain"/>
/// <remarks>
/// Holds nothing durable: an activation reads the deployments from their grains, and the silos' watches come back with
/// their next renewal. Reentrant, because a push waits for its watchers.
/// </remarks>
[GrainType("gristmill.deployment-directory"), Reentrant]
internal sealed partial class DeploymentDirectoryGrain(TimeProvider time, ILogger<DeploymentDirectoryGrain> logger)
    : Grain, IDeploymentDirectoryGrain
{
    /// <summary>The one directory's key.</summary>
    public const string Key = "router";

    private const int Tries = 3;

    private static readonly TimeSpan WatchDuration = TimeSpan.FromMinutes(2);
    /// <summary>A silo that died without a word answers nothing: deploying does not wait longer for it.</summary>
    private static readonly TimeSpan PushLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(250);

    private readonly ILogger<DeploymentDirectoryGrain> _logger = logger;
    private readonly Dictionary<IDeploymentObserver, DateTimeOffset> _watches = [];
    private readonly Dictionary<string, (long Generation, DeploymentView? View)> _deployments = new(StringComparer.Ordinal);

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var names = await GrainFactory.GetGrain<ICatalogGrain>(CatalogNames.Deployments).ListAsync();
        var views = await Task.WhenAll(names.Select(name => GrainFactory.GetGrain<IDeploymentGrain>(name).GetAsync()));
        foreach (var view in views.OfType<DeploymentView>())
        {
            _deployments[view.Name] = (view.Generation, view);
        }
    }

    public Task<IReadOnlyList<DeploymentView>> WatchAsync(IDeploymentObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        _watches[observer] = time.GetUtcNow() + WatchDuration;
        return Task.FromResult<IReadOnlyList<DeploymentView>>(
        [
            .. _deployments.Values.Where(static d => d.View is not null).Select(static d => d.View!).OrderBy(static d => d.Name, StringComparer.Ordinal),
        ]);
    }

    public Task UnwatchAsync(IDeploymentObserver observer)
    {
        _watches.Remove(observer);
        return Task.CompletedTask;
    }

    public Task OnChangedAsync(DeploymentView deployment)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        return Store(deployment.Name, deployment.Generation, deployment)
            ? PushAsync(observer => observer.OnChangedAsync(deployment))
            : Task.CompletedTask;
    }

    public Task OnRemovedAsync(string name, long generation) => Store(name, generation, null)
        ? PushAsync(observer => observer.OnRemovedAsync(name, generation))
        : Task.CompletedTask;

    /// <summary>Takes a change over unless a newer one is known; the same one again is pushed again.</summary>
    private bool Store(string name, long generation, DeploymentView? view)
    {
        if (_deployments.TryGetValue(name, out var known) && known.Generation > generation)
        {
            return false;
        }

        _deployments[name] = (generation, view);
        return true;
    }

    private Task PushAsync(Func<IDeploymentObserver, Task> push)
    {
        var now = time.GetUtcNow();
        foreach (var (lapsed, _) in _watches.Where(watch => watch.Value <= now).ToList())
        {
            _watches.Remove(lapsed);
        }

        return Task.WhenAll(_watches.Keys.ToList().Select(observer => PushAsync(observer, push)));
    }

    private async Task PushAsync(IDeploymentObserver observer, Func<IDeploymentObserver, Task> push)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await push(observer).WaitAsync(PushLimit, time);
                return;
            }
            catch (Exception e) when (attempt < Tries && e is not TimeoutException && _watches.ContainsKey(observer))
            {
                LogNotPushed(attempt, e);
                await Task.Delay(RetryDelay, time);
            }
            catch (Exception e)
            {
                // Its silo is gone or cut off. If it lives, its next renewal gives it everything anew.
                LogDropped(e);
                _watches.Remove(observer);
                return;
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "A watcher of deployments was not reached, try {Attempt}")]
    private partial void LogNotPushed(int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A watcher of deployments was not reached and is dropped until it renews")]
    private partial void LogDropped(Exception exception);
}
