namespace Gristmill.Storage.Sqlite.Database;

/// <summary>One caller's write. It may be applied again, in a transaction of its own, if its group's commit failed.</summary>
internal abstract class WriteOperation
{
    public abstract void Apply(SqliteSession session);

    public abstract void Complete();

    public abstract void Fail(Exception exception);
}

/// <inheritdoc />
internal sealed class WriteOperation<T>(Func<SqliteSession, T> apply) : WriteOperation
{
    // Callers go on elsewhere: the writer thread never runs their code.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Task => _done.Task;

    public override void Apply(SqliteSession session) => _result = apply(session);

    public override void Complete() => _done.TrySetResult(_result!);

    public override void Fail(Exception exception) => _done.TrySetException(exception);
}
