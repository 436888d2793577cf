namespace Gristmill.Grains.Runs;

/// <summary>
/// Passes progress from any thread to the run, at most four times a second and never more than one message at once; what
/// comes faster is replaced by what comes after it.
/// </summary>
internal sealed class ProgressRelay(TimeProvider time, TaskScheduler turns, Func<StageProgress, Task> send) : IProgress<StageProgress>
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private StageProgress? _latest;
    private int _sending;
    private long _sentAt;
    private volatile bool _stopped;

    public void Report(StageProgress value)
    {
        Volatile.Write(ref _latest, value);
        Wake();
    }

    /// <summary>Nothing is sent after this: the stage's end must be the last word.</summary>
    public void Stop() => _stopped = true;

    private void Wake()
    {
        if (!_stopped && Interlocked.CompareExchange(ref _sending, 1, 0) == 0)
        {
            _ = Task.Factory.StartNew(SendAsync, CancellationToken.None, TaskCreationOptions.None, turns);
        }
    }

    private async Task SendAsync()
    {
        var wait = _sentAt == 0 ? TimeSpan.Zero : Interval - time.GetElapsedTime(_sentAt);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time);
        }

        if (!_stopped && Interlocked.Exchange(ref _latest, null) is { } progress)
        {
            _sentAt = time.GetTimestamp();
            await send(progress);
        }

        Volatile.Write(ref _sending, 0);
        if (Volatile.Read(ref _latest) is not null)
        {
            Wake();
        }
    }
}
