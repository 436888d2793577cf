namespace Gristmill.Storage.Postgres.Database;

/// <summary>One change of one state. It may be sent again if the connection was lost: <see cref="Next"/> tells whether it had arrived.</summary>
/// <param name="Grain">The grain's id.</param>
/// <param name="Name">The state's name.</param>
/// <param name="Store">The storage's name.</param>
/// <param name="Payload">The new state; null clears it.</param>
/// <param name="Held">The ETag that must be stored; null: there must be no state.</param>
/// <param name="Next">The new ETag, drawn at random: nobody else ever writes it.</param>
/// <param name="After">The change without which this one is refused; queued before it.</param>
internal sealed record StateWrite(string Grain, string Name, string Store, byte[]? Payload, long? Held, long Next, StateWrite? After = null)
{
    private readonly TaskCompletionSource<string?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<string?> Done => _done.Task;

    public (string, string, string) Key => (Grain, Name, Store);

    /// <summary>Whether the change that this one comes after is not stored yet.</summary>
    public bool IsGuarded => After is { Done.IsCompleted: false };

    public void Complete() => _done.TrySetResult(null);

    public void Refuse(string stored) => _done.TrySetResult(stored);

    public void Fail(Exception exception) => _done.TrySetException(exception);
}
