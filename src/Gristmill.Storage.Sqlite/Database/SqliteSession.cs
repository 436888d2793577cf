using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Gristmill.Storage.Sqlite.Database;

/// <summary>One connection with its prepared statements. Not thread-safe: it belongs to the writer, or to one reader at a time.</summary>
internal sealed class SqliteSession : ITrackingSession, IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _statements = new(StringComparer.Ordinal);

    private SqliteSession(SqliteConnection connection) => _connection = connection;

    public static SqliteSession Open(string path, SqliteDatabaseOptions options, bool writer)
    {
        // The library's own retry loop sleeps between tries; SQLite's busy handler, set below, waits better. One second
        // is the least it can be told.
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = writer ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite,
            Pooling = false,
            DefaultTimeout = 1,
        }.ToString());
        var session = new SqliteSession(connection);
        try
        {
            connection.Open();
            session.WaitAtMost(options.BusyTimeout);
            if (writer)
            {
                session.Configure(options);
            }
            else
            {
                session.Run("pragma query_only=1");
                connection.CreateFunction(SqliteDialect.NumberFunction, static (string? text) => text is null ? null : TrackingRules.Number(text), isDeterministic: true);
            }

            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public TrackingDialect Dialect => SqliteDialect.Instance;

    /// <summary>How long to wait for another process that has locked the database.</summary>
    public void WaitAtMost(TimeSpan time) => SQLitePCL.raw.sqlite3_busy_timeout(_connection.Handle, (int)time.TotalMilliseconds);

    /// <summary>Runs a prepared statement and returns the number of rows it changed. Arguments are @p0, @p1, ...</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> arguments) => Bind(sql, arguments).ExecuteNonQuery();

    /// <summary>The first row, or the default where there is none.</summary>
    public T? First<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object?> arguments)
    {
        using var reader = Bind(sql, arguments).ExecuteReader();
        return reader.Read() ? row(reader) : default;
    }

    /// <summary>All rows.</summary>
    public List<T> All<T>(string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object?> arguments)
    {
        var rows = new List<T>();
        using var reader = Bind(sql, arguments).ExecuteReader();
        while (reader.Read())
        {
            rows.Add(row(reader));
        }

        return rows;
    }

    /// <summary>All rows of a statement that is not kept prepared, there at once: for texts that are made of what callers ask, of which there is no end.</summary>
    public ValueTask<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> row, IReadOnlyList<object> arguments)
    {
        var rows = new List<T>();
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < arguments.Count; i++)
        {
            command.Parameters.Add(new SqliteParameter(Dialect.Placeholder(i), arguments[i]));
        }

        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            rows.Add(row(reader));
        }

        return ValueTask.FromResult(rows);
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        _connection.Dispose();
    }

    private void Configure(SqliteDatabaseOptions options)
    {
        // Only the very first opening changes the journal mode, which needs the file for itself: others wait for it.
        Run("pragma journal_mode=wal", timeoutSeconds: Math.Max(1, (int)Math.Ceiling(options.BusyTimeout.TotalSeconds)));
        Run(options.Synchronous == SqliteSynchronous.Full ? "pragma synchronous=full" : "pragma synchronous=normal");
        // Checkpoints flush the database file too: every 16 MiB of log instead of every 4 keeps them out of the way.
        Run("pragma wal_autocheckpoint=4000");
        Run("pragma journal_size_limit=67108864");
        Run("pragma cache_size=-16384");
        Run("begin immediate");
        try
        {
            var version = First("pragma user_version", static r => r.GetInt64(0));
            var (known, create) = options.Schema;
            if (version > known)
            {
                throw new GristmillException(
                    ErrorCodes.StorageUnavailable,
                    $"The state database '{_connection.DataSource}' has schema version {version}, made by a newer Gristmill; this one knows {known}.",
                    "Run the newer version, or name another file.");
            }

            foreach (var (table, column, type) in version < known ? options.AddedColumns : [])
            {
                // In a new file there is no table yet, and it is made whole.
                var columns = All("select name from pragma_table_info(@p0)", static r => r.GetString(0), table);
                if (columns.Count > 0 && !columns.Contains(column))
                {
                    Run($"alter table {table} add column {column} {type}");
                }
            }

            Run(create);
            Run(string.Create(CultureInfo.InvariantCulture, $"pragma user_version={known}"));
            Run("commit");
        }
        catch
        {
            Run("rollback");
            throw;
        }

        if (options.MaxBytes > 0)
        {
            var pageSize = First("pragma page_size", static r => r.GetInt64(0));
            Run(string.Create(CultureInfo.InvariantCulture, $"pragma max_page_count={Math.Max(1, options.MaxBytes / pageSize)}"));
        }
    }

    private void Run(string sql, int? timeoutSeconds = null)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = timeoutSeconds ?? command.CommandTimeout;
        command.ExecuteNonQuery();
    }

    private SqliteCommand Bind(string sql, ReadOnlySpan<object?> arguments)
    {
        if (!_statements.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < arguments.Length; i++)
            {
                command.Parameters.Add(new SqliteParameter("@p" + i.ToString(CultureInfo.InvariantCulture), null));
            }

            _statements.Add(sql, command);
        }

        for (var i = 0; i < arguments.Length; i++)
        {
            command.Parameters[i].Value = arguments[i] ?? DBNull.Value;
        }

        return command;
    }
}
