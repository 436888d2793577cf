using System.Diagnostics;

namespace Gristmill.Storage.Sqlite.Database;

/// <summary>
/// The one writer of a database in this process: a thread that commits whatever has queued up while the last commit was
/// flushed. Writers share the flush, each still gets its own outcome. One who may wait commits by itself where nobody else writes.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private static readonly TimeSpan s_brief = TimeSpan.FromMilliseconds(5);

    private readonly string _path;
    private readonly SqliteDatabaseOptions _options;
    // A monitor, not a semaphore: one that spins before it sleeps takes the processor from those that are to give it work.
    private readonly object _lock = new();
    /// <summary>Held by whoever commits; guards the session.</summary>
    private readonly object _committing = new();
    private readonly Thread _thread;
    private List<WriteOperation> _queue = [];
    private SqliteSession? _session;
    private bool _closed;

    /// <summary>Opens the database and creates its tables, so that what is wrong with it shows at once.</summary>
    public SqliteWriter(string path, SqliteDatabaseOptions options)
    {
        _path = path;
        _options = options;
        _session = SqliteSession.Open(path, options, writer: true);
        _thread = new Thread(Loop) { IsBackground = true, Name = "gristmill-sqlite-writer" };
        _thread.Start();
    }

    public Task<T> WriteAsync<T>(Func<SqliteSession, T> apply)
    {
        var operation = new WriteOperation<T>(apply);
        lock (_lock)
        {
            if (_closed)
            {
                return Task.FromException<T>(new GristmillException(
                    ErrorCodes.StorageUnavailable, $"The state database '{_path}' is closed: the silo is stopping."));
            }

            _queue.Add(operation);
            if (_queue.Count == 1)
            {
                Monitor.Pulse(_lock);
            }
        }

        return operation.Task;
    }

    /// <summary>Applies a write on the calling thread, which waits for the disk, where nobody else is writing: to wake two threads takes as long as a fast disk does.</summary>
    public Task<T> WriteHereAsync<T>(Func<SqliteSession, T> apply)
    {
        if (!Monitor.TryEnter(_committing))
        {
            return WriteAsync(apply);
        }

        var operation = new WriteOperation<T>(apply);
        try
        {
            lock (_lock)
            {
                if (_closed || _queue.Count > 0)
                {
                    return WriteAsync(apply);
                }
            }

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
            Monitor.Exit(_committing);
        }

        return operation.Task;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            Monitor.Pulse(_lock);
        }

        _thread.Join();
        lock (_committing)
        {
            _session?.Dispose();
            _session = null;
        }
    }

    private void Loop()
    {
        var spare = new List<WriteOperation>();
        while (true)
        {
            List<WriteOperation> taken;
            bool closed;
            lock (_lock)
            {
                while (_queue.Count == 0 && !_closed)
                {
                    Monitor.Wait(_lock);
                }

                taken = _queue;
                _queue = spare;
                closed = _closed;
            }

            for (var start = 0; start < taken.Count; start += _options.MaxBatch)
            {
                lock (_committing)
                {
                    Commit(taken.GetRange(start, Math.Min(_options.MaxBatch, taken.Count - start)));
                }
            }

            taken.Clear();
            spare = taken;
            if (closed)
            {
                return;
            }
        }
    }

    private void Commit(List<WriteOperation> batch)
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
            batch.ForEach(operation => Commit([operation]));
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
