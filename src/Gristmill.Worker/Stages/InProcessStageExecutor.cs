namespace Gristmill.Worker;

/// <summary>
/// Runs attempts in this process: for an embedded silo, for tests, and to step through a stage in a debugger. A native
/// crash ends the process with it; <see cref="WorkerStageExecutor"/> is the one that stands apart.
/// </summary>
/// <param name="host">Runs the attempts.</param>
/// <param name="time">Clock of time limits; null: the system's.</param>
/// <param name="tracking">Keeps what attempts log; null: nobody, and they may log all the same.</param>
/// <param name="files">Takes what attempts print on the console; null: nothing does.</param>
public sealed class InProcessStageExecutor(StageHost host, TimeProvider? time = null, ITrackingStore? tracking = null, StageFiles? files = null) : IStageExecutor
{
    // A cancelled attempt gets this long to end by itself; the caller has an answer within a second.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan MemoryPoll = TimeSpan.FromMilliseconds(100);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public bool IsFaithful => true;

    /// <inheritdoc/>
    /// <remarks>An attempt that ignores the token is abandoned: its thread runs on until it returns, and the error says so.</remarks>
    public async Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        using var deadline = new AttemptDeadline(request, _time, cancellationToken);
        using var tracker = tracking is null || StageHost.IsLight(request.Operation) ? null : DirectTrackTransport.Track(request, host.Content, tracking, _time);
        using var console = files is null || StageHost.IsLight(request.Operation) ? null : StageConsole.Enter(files.Open(request));
        var attempt = host.ExecuteAsync(request, new BeatingProgress(progress, deadline), deadline.Token, tracker: tracker, heartbeat: deadline.Beat);
        if (attempt.IsCompletedSuccessfully)
        {
            return await attempt.ConfigureAwait(false);
        }

        using var watch = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
        var memory = request.Limits.MemoryMiB > 0 ? WatchMemoryAsync(request, deadline, watch.Token) : Task.CompletedTask;
        try
        {
            return await EndsInTimeAsync(attempt, deadline.Token).ConfigureAwait(false)
                ? await attempt.ConfigureAwait(false)
                : throw Abandoned(request, attempt);
        }
        catch (OperationCanceledException e) when (deadline.Token.IsCancellationRequested)
        {
            throw deadline.Explain(request, e);
        }
        finally
        {
            await watch.CancelAsync().ConfigureAwait(false);
            await memory.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Whether the attempt ends before the grace that follows the token ends.</summary>
    private async Task<bool> EndsInTimeAsync(Task attempt, CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = token.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), cancelled);
        await Task.WhenAny(attempt, cancelled.Task).ConfigureAwait(false);
        if (!attempt.IsCompleted)
        {
            await Task.WhenAny(attempt, Task.Delay(Grace, _time, CancellationToken.None)).ConfigureAwait(false);
        }

        return attempt.IsCompleted;
    }

    private static OperationCanceledException Abandoned(StageRequest request, Task attempt)
    {
        // Its late failure, if any, interests nobody, but must not surface as unobserved.
        _ = attempt.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return new OperationCanceledException(
            $"Stage '{request.Stage}' did not look at its CancellationToken within a second and was abandoned; its thread runs on until it returns.");
    }

    /// <summary>Counts what the process grew by since the attempt began: the closest to the attempt's own memory that a shared process can tell.</summary>
    private async Task WatchMemoryAsync(StageRequest request, AttemptDeadline deadline, CancellationToken cancellationToken)
    {
        var limit = (long)request.Limits.MemoryMiB << 20;
        var before = ProcessMemory.Self().Anonymous;
        using var timer = new PeriodicTimer(MemoryPoll, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            var grown = ProcessMemory.Self().Anonymous - before;
            if (grown > limit)
            {
                deadline.End(StageErrors.OverMemory(request, limit, grown));
                return;
            }
        }
    }
}
