namespace Gristmill.Worker;

/// <summary>An attempt that a worker has been given.</summary>
/// <remarks>What waits for a light one goes on where its result was read: a light stage is mostly hand-overs. It must not block there.</remarks>
internal sealed class PendingAttempt(
    StageRequest request, IProgress<StageProgress>? progress, TrackReceiver? tracking, Action? heartbeat = null, AttemptLog? log = null)
    : TaskCompletionSource<StageResult>(StageHost.IsLight(request.Operation) ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>The attempt.</summary>
    public StageRequest Request { get; } = request;

    /// <summary>Takes what it logs; null where nothing is kept.</summary>
    public TrackReceiver? Tracking { get; } = tracking;

    /// <summary>Takes what it prints; null: nothing does.</summary>
    public AttemptLog? Log { get; } = log;

    /// <summary>Done once all that it printed has come.</summary>
    public TaskCompletionSource Printed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Hands a heartbeat on.</summary>
    public void Beat() => heartbeat?.Invoke();

    /// <summary>Hands progress on; a receiver that throws loses the report, not the attempt.</summary>
    public void Report(StageProgress report)
    {
        try
        {
            progress?.Report(report);
        }
#pragma warning disable CA1031 // A receiver's bug must not break the connection that all attempts of the worker share.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
