namespace Gristmill.Grains.State;

/// <summary>
/// For reentrant grains: callers that change state while a write is under way share the next one. A caller's task
/// completes with a write that began after its change. Only for use on one grain's scheduler.
/// </summary>
internal sealed class CoalescedWriter(Func<Task> write)
{
    private Task _current = Task.CompletedTask;
    private Task? _next;

    public Task WriteAsync()
    {
        if (_next is not null)
        {
            return _next;
        }

        return _current.IsCompleted ? _current = write() : _next = NextAsync();
    }

    private async Task NextAsync()
    {
        // The outcome of the write before is its own callers' concern.
        await _current.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        _current = _next!;
        _next = null;
        await write();
    }
}
