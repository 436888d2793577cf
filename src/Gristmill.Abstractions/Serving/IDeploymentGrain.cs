using Orleans.Concurrency;

namespace Gristmill;

/// <summary>One deployment, keyed by name.</summary>
[Alias("gristmill.IDeploymentGrain")]
public interface IDeploymentGrain : IGrainWithStringKey
{
    /// <summary>Creates or changes it; returns once every silo that watches has been told or its watch has lapsed.</summary>
    [Alias("Deploy")]
    Task<DeploymentView> DeployAsync(DeploymentSpec spec);
    /// <summary>The deployment, or null.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<DeploymentView?> GetAsync();
    /// <summary>Removes it; again changes nothing.</summary>
    [Alias("Delete")]
    Task DeleteAsync();
}

/// <summary>Told of changes to deployments: each silo's router watches.</summary>
[Alias("gristmill.IDeploymentObserver")]
public interface IDeploymentObserver : IGrainObserver
{
    /// <summary>A deployment was created or changed.</summary>
    [Alias("Changed")]
    Task OnChangedAsync(DeploymentView deployment);
    /// <summary>A deployment was removed.</summary>
    [Alias("Removed")]
    Task OnRemovedAsync(string name, long generation);
}

/// <summary>Keeps the watchers of deployments, keyed "router". Watches lapse unless renewed.</summary>
[Alias("gristmill.IDeploymentDirectoryGrain")]
public interface IDeploymentDirectoryGrain : IGrainWithStringKey
{
    /// <summary>Subscribes or renews for two minutes, and returns all deployments.</summary>
    [Alias("Watch")]
    Task<IReadOnlyList<DeploymentView>> WatchAsync(IDeploymentObserver observer);
    /// <summary>Ends a watch.</summary>
    [Alias("Unwatch")]
    Task UnwatchAsync(IDeploymentObserver observer);
    /// <summary>Called by a deployment when it has changed.</summary>
    [Alias("Changed")]
    Task OnChangedAsync(DeploymentView deployment);
    /// <summary>Called by a deployment when it was removed.</summary>
    [Alias("Removed")]
    Task OnRemovedAsync(string name, long generation);
}
