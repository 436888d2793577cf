using System.Collections.Concurrent;

namespace Gristmill.Storage.Sqlite.Database;

/// <summary>A database file opened by this process: one writer, and readers that never wait for it (write-ahead log).</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private const int MaxIdleReaders = 16;

    private static readonly Lock Registry = new();
    private static readonly Dictionary<string, SqliteDatabase> Open = new(StringComparer.Ordinal);

    private readonly string _path;
    private readonly SqliteDatabaseOptions _options;
    private readonly SqliteWriter _writer;
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private int _users;
    private volatile bool _closed;

    private SqliteDatabase(string path, SqliteDatabaseOptions options)
    {
        _path = path;
        _options = options;
        _writer = new SqliteWriter(path, options);
    }

    /// <summary>Opens the file, or joins those of this process who have it open.</summary>
    public static SqliteDatabaseLease Acquire(SqliteDatabaseOptions options)
    {
        var path = Path.GetFullPath(options.Path);
        lock (Registry)
        {
            if (!Open.TryGetValue(path, out var database))
            {
                try
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    database = new SqliteDatabase(path, options);
                }
                catch (Exception e) when (SqliteErrors.Describe(e, path) is GristmillException described && described != e)
                {
                    throw described;
                }

                Open.Add(path, database);
            }

            database._users++;
            return new SqliteDatabaseLease(database);
        }
    }

    /// <summary>Applies a write in a transaction shared with others; completes when it is durable.</summary>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> apply) => _writer.WriteAsync(apply);

    /// <summary>Applies a write, and waits for the disk on the caller's thread unless others write; not for a grain's turn.</summary>
    public Task<T> WriteHereAsync<T>(Func<SqliteSession, T> apply) => _writer.WriteHereAsync(apply);

    /// <summary>Reads on a connection of its own, on the caller's thread: a lookup by key in the page cache takes microseconds.</summary>
    public T Read<T>(Func<SqliteSession, T> read)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        SqliteSession? session = null;
        try
        {
            session = _readers.TryTake(out var idle) ? idle : SqliteSession.Open(_path, _options, writer: false);
            var result = read(session);
            if (!_closed && _readers.Count < MaxIdleReaders)
            {
                _readers.Add(session);
                session = null;
            }

            return result;
        }
        catch (Exception e) when (SqliteErrors.Describe(e, _path) is GristmillException described && described != e)
        {
            throw described;
        }
        finally
        {
            session?.Dispose();
        }
    }

    internal void Release()
    {
        lock (Registry)
        {
            if (--_users > 0)
            {
                return;
            }

            Open.Remove(_path);
            Dispose();
        }
    }

    /// <summary>Commits what is queued and closes the file. Holders of a lease release that instead.</summary>
    public void Dispose()
    {
        _closed = true;
        _writer.Dispose();
        while (_readers.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }
}
