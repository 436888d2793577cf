namespace Gristmill.Worker;

/// <summary>Why an attempt is told to end: the caller, the time limit, a silence or the memory limit, whichever comes first.</summary>
internal sealed class AttemptDeadline : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _any;
    private readonly CancellationTokenSource? _time;
    private readonly TimeProvider? _clock;
    private readonly ITimer? _watch;
    private Exception? _reason;
    private long _beaten;

    /// <summary>Starts the clock.</summary>
    public AttemptDeadline(StageRequest request, TimeProvider time, CancellationToken caller)
    {
        _caller = caller;
        if (request.Limits.Timeout is { } limit)
        {
            _time = new CancellationTokenSource(limit, time);
            _any = CancellationTokenSource.CreateLinkedTokenSource(caller, _time.Token);
        }
        else
        {
            _any = CancellationTokenSource.CreateLinkedTokenSource(caller);
        }

        if (request.Limits.HeartbeatTimeout is { } silence)
        {
            _clock = time;
            _beaten = time.GetTimestamp();
            // Four looks a limit: a silence is noticed at most a quarter of it late.
            _watch = time.CreateTimer(_ => Look(request, silence), null, silence / 4, silence / 4);
        }
    }

    /// <summary>The attempt has given a sign of life.</summary>
    public void Beat()
    {
        if (_clock is not null)
        {
            Interlocked.Exchange(ref _beaten, _clock.GetTimestamp());
        }
    }

    private void Look(StageRequest request, TimeSpan silence)
    {
        if (_clock!.GetElapsedTime(Interlocked.Read(ref _beaten)) <= silence)
        {
            return;
        }

        try
        {
            End(StageErrors.Silent(request, silence));
        }
        catch (ObjectDisposedException)
        {
            // The attempt has ended at this moment.
        }
    }

    /// <summary>Ends the attempt.</summary>
    public CancellationToken Token => _any.Token;

    /// <summary>Ends the attempt for a reason of the executor's.</summary>
    public void End(Exception reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _any.Cancel();
    }

    /// <summary>What the caller is told about an attempt that ended because of the token.</summary>
    public Exception Explain(StageRequest request, OperationCanceledException cancelled) =>
        _reason ?? (_time is { IsCancellationRequested: true } && !_caller.IsCancellationRequested
            ? StageErrors.TimedOut(request)
            : new OperationCanceledException(cancelled.Message, cancelled, _caller));

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch?.Dispose();
        _any.Dispose();
        _time?.Dispose();
    }
}
