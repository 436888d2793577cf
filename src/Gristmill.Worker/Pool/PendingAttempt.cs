namespace Gristmill.Worker;

/// <summary>An attempt that a worker has been given.</summary>
internal sealed class PendingAttempt(StageRequest request, IProgress<StageProgress>? progress)
    : TaskCompletionSource<StageResult>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>The attempt.</summary>
    public StageRequest Request { get; } = request;

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
