namespace Gristmill.Storage.Sqlite.Database;

/// <summary>A provider's share of an open database; the last one to be disposed closes it.</summary>
internal sealed class SqliteDatabaseLease(SqliteDatabase database) : IDisposable
{
    private int _disposed;

    public Task<T> WriteAsync<T>(Func<SqliteSession, T> apply) => database.WriteAsync(apply);

    public Task<T> WriteHereAsync<T>(Func<SqliteSession, T> apply) => database.WriteHereAsync(apply);

    public T Read<T>(Func<SqliteSession, T> read) => database.Read(read);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            database.Release();
        }
    }
}
