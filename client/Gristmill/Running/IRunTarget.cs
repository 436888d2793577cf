namespace Gristmill.Running;

/// <summary>Where a pipeline runs: on a server, or on a silo in this process.</summary>
internal interface IRunTarget : IAsyncDisposable
{
    /// <summary>Registers the pipeline, with its code where that is needed, and starts a run.</summary>
    Task<string> StartAsync(Pipeline pipeline, RunRequest request, CancellationToken cancellationToken);

    /// <summary>The run's changes until it ends.</summary>
    IAsyncEnumerable<RunEvent> WatchAsync(string run, CancellationToken cancellationToken);

    /// <summary>Cancels the run.</summary>
    Task CancelAsync(string run, CancellationToken cancellationToken);
}
