namespace Gristmill.Objects.Transfer;

/// <summary>One transfer that several callers wait for. It is begun by the first, and given up when the last has left.</summary>
internal sealed class SharedPull(Func<CancellationToken, Task> pull) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _cancellation = new();
    private Task? _task;
    private int _waiting;
    private bool _isOver;

    public Task Task => _task!;

    /// <summary>False: it is over, and what it was for must be looked at anew.</summary>
    public bool TryJoin()
    {
        lock (_gate)
        {
            if (_isOver || _task is { IsCompleted: true })
            {
                return false;
            }

            _waiting++;
            _task ??= System.Threading.Tasks.Task.Run(() => pull(_cancellation.Token));
            return true;
        }
    }

    /// <summary>True for the last to leave.</summary>
    public bool Leave()
    {
        lock (_gate)
        {
            _isOver = --_waiting == 0;
            if (_isOver && !_task!.IsCompleted)
            {
                _cancellation.Cancel();
            }

            return _isOver;
        }
    }

    public void Dispose() => _cancellation.Dispose();
}
