namespace Gristmill.Worker;

/// <summary>Why an attempt is told to end: the caller, the time limit or the memory limit, whichever comes first.</summary>
internal sealed class AttemptDeadline : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _any;
    private readonly CancellationTokenSource? _time;
    private Exception? _reason;

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
        _any.Dispose();
        _time?.Dispose();
    }
}
