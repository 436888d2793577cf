namespace Gristmill.Grains.State;

/// <summary>A grain's stored value, as it last reached the store: while a write is under way the old one is seen.</summary>
internal sealed class Durable<T>(IPersistentState<T> state)
    where T : class
{
    private T? _value;

    public T Value => _value ?? state.State;

    /// <summary>Whether this activation has written it, or tried to: what it read at first is not shown any more.</summary>
    public bool IsOwn => _value is not null;

    /// <summary>Stores a new value; it is seen only once that worked.</summary>
    public async Task SetAsync(T next)
    {
        var before = Value;
        _value = before;
        state.State = next;
        try
        {
            await StoreErrors.WriteAsync(state);
            _value = next;
        }
        catch
        {
            state.State = before;
            throw;
        }
    }

    /// <summary>Forgets the value; the state is as if it had never been stored.</summary>
    public async Task ClearAsync()
    {
        await state.ClearStateAsync();
        _value = null;
    }

    /// <summary>Shows a value that the store does not have, for what could not be stored.</summary>
    public void Show(T value) => _value = value;
}
