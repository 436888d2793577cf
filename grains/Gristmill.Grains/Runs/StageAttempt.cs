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

    /// <param name="execute">Executes it.</param>
    /// <param name="off">Off the grain's scheduler: whatever is done before the first await is not done in a grain's turn.</param>
    public async Task<StageResult> RunAsync(Func<CancellationToken, Task<StageResult>> execute, bool off)
    {
        var token = _cancel.Token;
        var execution = off ? Task.Run(() => execute(token), CancellationToken.None) : execute(token);
        try
        {
            return await execution.WaitAsync(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!execution.IsCompleted)
        {
            try
            {
                return await execution.WaitAsync(Grace, time).ConfigureAwait(false);
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
