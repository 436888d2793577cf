namespace Gristmill.Grains.Runs;

/// <summary>
/// One execution with its cancellation. What does not heed that is left behind. The time limit is the executor's to keep:
/// only it knows when the attempt left its queue.
/// </summary>
internal sealed class StageAttempt(TimeProvider time) : IDisposable
{
    /// <summary>How long a cancelled executor has to return; it has to end the work within a second.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _cancel = new();

    public void Cancel() => _cancel.Cancel();

    public async Task<StageResult> RunAsync(Func<CancellationToken, Task<StageResult>> execute)
    {
        var token = _cancel.Token;
        // Off the grain's scheduler: whatever the executor does before its first await is not done in a grain's turn.
        var execution = Task.Run(() => execute(token), CancellationToken.None);
        try
        {
            return await execution.WaitAsync(token);
        }
        catch (OperationCanceledException) when (!execution.IsCompleted)
        {
            try
            {
                return await execution.WaitAsync(Grace, time);
            }
            catch (TimeoutException)
            {
                _ = execution.ContinueWith(
                    static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                throw new OperationCanceledException(token);
            }
        }
    }

    public void Dispose() => _cancel.Dispose();
}
