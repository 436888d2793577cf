using System.Diagnostics;

namespace Gristmill.Storage.Sqlite.Database;

/// <summary>The one writer of a database in this process.</summary>
internal sealed class SqliteWriter : GroupCommit<WriteOperation>
{
    private static readonly TimeSpan s_brief = TimeSpan.FromMilliseconds(5);

    private readonly string _path;
    private readonly SqliteDatabaseOptions _options;
    private SqliteSession? _session;

    /// <summary>Opens the database and creates its tables, so that what is wrong with it shows at once.</summary>
    public SqliteWriter(string path, SqliteDatabaseOptions options)
        : base("gristmill-sqlite-writer")
    {
        _path = path;
        _options = options;
        _session = SqliteSession.Open(path, options, writer: true);
        Start();
    }

    /// <summary>Applies a write in a transaction shared with others; completes when it is durable.</summary>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> apply)
    {
        var operation = new WriteOperation<T>(apply);
        return TryQueue(operation)
            ? operation.Task
            : Task.FromException<T>(new GristmillException(ErrorCodes.StorageUnavailable, $"The state database '{_path}' is closed: the silo is stopping."));
    }

    /// <summary>Applies a write on the calling thread, which waits for the disk, where nobody else is writing.</summary>
    public Task<T> WriteHereAsync<T>(Func<SqliteSession, T> apply)
    {
        if (!TryBeginHere())
        {
            return WriteAsync(apply);
        }

        var operation = new WriteOperation<T>(apply);
        try
        {
            // A process that holds the database for longer is waited for elsewhere.
            _session?.WaitAtMost(s_brief);
            TryCommit([operation]);
            operation.Complete();
        }
        catch (Exception e) when (SqliteErrors.IsBusy(e))
        {
            return WriteAsync(apply);
        }
        catch (Exception e)
        {
            operation.Fail(SqliteErrors.Describe(e, _path));
        }
        finally
        {
            _session?.WaitAtMost(_options.BusyTimeout);
            EndHere();
        }

        return operation.Task;
    }

    protected override void Commit(List<WriteOperation> writes)
    {
        for (var start = 0; start < writes.Count; start += _options.MaxBatch)
        {
            CommitTogether(writes.GetRange(start, Math.Min(_options.MaxBatch, writes.Count - start)));
        }
    }

    protected override void Close()
    {
        _session?.Dispose();
        _session = null;
    }

    private void CommitTogether(List<WriteOperation> batch)
    {
        try
        {
            TryCommit(batch);
        }
        catch (Exception e) when (batch.Count == 1 || SqliteErrors.IsAboutTheWholeDatabase(e))
        {
            var error = SqliteErrors.Describe(e, _path);
            batch.ForEach(operation => operation.Fail(error));
            return;
        }
        catch (Exception)
        {
            // One write of the group failed, or together they were too large: each gets a transaction and an answer of its own.
            batch.ForEach(operation => CommitTogether([operation]));
            return;
        }

        batch.ForEach(static operation => operation.Complete());
    }

    private void TryCommit(List<WriteOperation> batch)
    {
        _session ??= SqliteSession.Open(_path, _options, writer: true);
        try
        {
            _session.Execute("begin immediate");
            foreach (var operation in batch)
            {
                operation.Apply(_session);
            }

            _session.Execute("commit");
        }
        catch (Exception e)
        {
            Rollback(reopen: SqliteErrors.NeedsNewConnection(e));
            throw;
        }
    }

    private void Rollback(bool reopen)
    {
        Debug.Assert(_session is not null);
        try
        {
            // SQLite may have rolled back by itself (a full disk does that); then there is nothing to roll back.
            _session.Execute("rollback");
        }
        catch (Microsoft.Data.Sqlite.SqliteException)
        {
        }

        if (reopen)
        {
            _session.Dispose();
            _session = null;
        }
    }
}
