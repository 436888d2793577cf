namespace Gristmill.Grains.State;

/// <summary>Keeps interleaving calls of one grain apart, in the order of their arrival. Only for use on the grain's scheduler.</summary>
internal sealed class TurnLock
{
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private bool _held;

    public bool TryEnter() => !_held && (_held = true);

    public Task EnterAsync()
    {
        if (TryEnter())
        {
            return Task.CompletedTask;
        }

        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue(turn);
        return turn.Task;
    }

    public void Leave()
    {
        if (_waiting.TryDequeue(out var next))
        {
            next.SetResult();
        }
        else
        {
            _held = false;
        }
    }
}
