using DuckDB.NET.Native;

namespace Gristmill.Bench.Data;

/// <summary>DuckDB alone, through its C functions: results are fetched chunk by chunk and thrown away.</summary>
internal sealed class DuckFetch : IDisposable
{
    private readonly DuckDBDatabase _database;
    private readonly DuckDBNativeConnection _connection;

    public DuckFetch(int threads)
    {
        Check(NativeMethods.Startup.DuckDBOpen(":memory:", out _database, new DuckDBConfig(), out var error), error);
        Check(NativeMethods.Startup.DuckDBConnect(_database, out _connection), "connect");
        Run($"set threads={threads}");
    }

    /// <summary>Runs a statement and fetches all that it gives.</summary>
    /// <returns>Rows.</returns>
    public long Run(string sql)
    {
        Check(NativeMethods.PreparedStatements.DuckDBPrepare(_connection, sql, out var statement), sql);
        using (statement)
        {
            Check(NativeMethods.PreparedStatements.DuckDBExecutePreparedStreaming(statement, out var result), sql);
            try
            {
                for (var rows = 0L; ;)
                {
                    using var chunk = NativeMethods.Query.DuckDBFetchChunk(result);
                    if (chunk.IsInvalid)
                    {
                        return NativeMethods.Query.DuckDBResultError(ref result) is { Length: > 0 } error ? throw new InvalidOperationException(error) : rows;
                    }

                    rows += (long)NativeMethods.DataChunks.DuckDBDataChunkGetSize(chunk);
                }
            }
            finally
            {
                NativeMethods.Query.DuckDBDestroyResult(ref result);
            }
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    private static void Check(DuckDBState state, string what)
    {
        if (!state.IsSuccess())
        {
            throw new InvalidOperationException($"DuckDB: {what}");
        }
    }
}
