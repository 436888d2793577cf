using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>A connection that writes one table. What the server says is told as an error of the table's; the connection string is in none.</summary>
internal sealed partial class PostgresSession : IDisposable
{
    private const int Patience = 2_000; // milliseconds
    private readonly PostgresConnection _source;
    private readonly CancellationToken _token;
    private readonly NpgsqlConnection _connection;
    private NpgsqlRawCopyStream? _copy;

    /// <param name="source">How the server is reached.</param>
    /// <param name="shown">The table, for people.</param>
    /// <param name="token">Ends whatever is waited for.</param>
    public PostgresSession(PostgresConnection source, string shown, CancellationToken token)
    {
        (_source, Shown, _token) = (source, shown, token);
        _connection = source.Open(token);
    }

    public string Shown { get; }

    /// <summary>Server and database, to tell them apart.</summary>
    public string Database => string.Create(CultureInfo.InvariantCulture, $"{_connection.Host}:{_connection.Port}/{_connection.Database}");

    /// <returns>Rows that it changed.</returns>
    public int Execute(string statement, params ReadOnlySpan<object> values)
    {
        using var command = Command(statement, values);
        return Try(() => command.ExecuteNonQueryAsync(_token).GetAwaiter().GetResult());
    }

    public List<T> Query<T>(string statement, Func<NpgsqlDataReader, T> row, params ReadOnlySpan<object> values)
    {
        using var command = Command(statement, values);
        return Try(() =>
        {
            var rows = new List<T>();
            using var reader = command.ExecuteReaderAsync(_token).GetAwaiter().GetResult();
            while (reader.ReadAsync(_token).GetAwaiter().GetResult())
            {
                rows.Add(row(reader));
            }

            return rows;
        });
    }

    public void BeginCopy(string statement) => Try(() =>
    {
        _copy = _connection.BeginRawBinaryCopyAsync(statement, _token).GetAwaiter().GetResult();
        return 0;
    });

    public void Send(ReadOnlyMemory<byte> bytes) => Try(() =>
    {
        _copy!.WriteAsync(bytes, _token).AsTask().GetAwaiter().GetResult();
        return 0;
    });

    /// <summary>Says that all rows are sent; the server has taken them when it returns.</summary>
    public void EndCopy()
    {
        // The stream cannot be told to wait no longer for triggers and checks; the server can.
        using var cancel = _token.UnsafeRegister(static session => ((PostgresSession)session!).CancelOnServer(), this);
        var copy = _copy!;
        _copy = null;
        Try(() =>
        {
            copy.Dispose();
            return 0;
        });
    }

    public void Commit()
    {
        _token.ThrowIfCancellationRequested();
        using var command = Command("commit", []);
        try
        {
            // Not to be cancelled: nobody would know whether it is done.
            command.ExecuteNonQuery();
        }
        catch (PostgresException e)
        {
            throw Refused(e);
        }
        catch (Exception e) when (IsBroken(e))
        {
            throw new GristmillException(ErrorCodes.SourceUnavailable, $"The connection to PostgreSQL ({_source}) broke off while the rows of {Shown} were committed: they are there as a whole, or not at all.",
                "Look whether they are. A stage that is executed again finds out by itself.");
        }
    }

    public void Dispose()
    {
        try
        {
            if (_copy is not null && _connection.State == System.Data.ConnectionState.Open)
            {
                // Disposed as it is, a COPY would be taken for done. A server that waits for a lock does not hear of it; then the connection is closed.
                (_copy.ReadTimeout, _copy.WriteTimeout) = (Patience, Patience);
                _copy.Cancel();
            }
        }
        catch (Exception e) when (IsBroken(e) || e is PostgresException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is broken, and with it ends all there was on the server.
        }

        // What is not committed goes with it.
        _connection.Dispose();
    }

    private void CancelOnServer()
    {
        var process = _connection.ProcessID;
        // Beside, so that whoever cancels need not wait for a connection.
        _ = Task.Run(() =>
        {
            try
            {
                using var beside = _source.Open(CancellationToken.None);
                using var command = new NpgsqlCommand("select pg_cancel_backend($1)", beside) { Parameters = { new() { Value = process } } };
                command.ExecuteNonQuery();
            }
            catch (Exception e) when (IsBroken(e) || e is PostgresException or GristmillException)
            {
                // A server that is not there has ended it already.
            }
        }, CancellationToken.None);
    }

    private NpgsqlCommand Command(string statement, ReadOnlySpan<object> values)
    {
        var command = new NpgsqlCommand(statement, _connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    private T Try<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (PostgresException e) when (_token.IsCancellationRequested && e.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            throw new OperationCanceledException(_token);
        }
        catch (PostgresException e)
        {
            throw Refused(e);
        }
        catch (Exception e) when (IsBroken(e))
        {
            throw new GristmillException(ErrorCodes.SourceUnavailable, $"The connection to PostgreSQL ({_source}) broke off while {Shown} was written. The table is as before.", "Run again once the server is there.");
        }
    }

    private static bool IsBroken(Exception exception) => exception is NpgsqlException and not PostgresException or IOException or TimeoutException;

    private GristmillException Refused(PostgresException e)
    {
        var place = Place().Match(e.Where ?? "");
        // The header of a COPY is no line, so the first row is line 1.
        var row = place.Success && long.TryParse(place.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var line) ? line - 1 : (long?)null;
        var column = e.ColumnName ?? (place.Groups[2] is { Success: true, Value: var name } ? name : null);
        var (code, hint) = Meaning(e.SqlState);
        var at = $"{(column is null ? "" : $", column '{column}'")}{(row is null ? "" : string.Create(CultureInfo.InvariantCulture, $", row {row}"))}";
        var error = new GristmillException(code, $"PostgreSQL refuses to write {Shown}{at}: {e.MessageText} (SQLSTATE {e.SqlState}). The table is as before.", e.Hint ?? hint).With("table", Shown);
        error = column is null ? error : error.With("column", column);
        error = e.ConstraintName is null ? error : error.With("constraint", e.ConstraintName);
        return row is null ? error : error.With("row", row.Value.ToString(CultureInfo.InvariantCulture));
    }

    private static (string Code, string Hint) Meaning(string state) => state switch
    {
        PostgresErrorCodes.UniqueViolation => (ErrorCodes.Conflict, "A row with this key is there, or came twice: leave it out, or use Upsert."),
        PostgresErrorCodes.CardinalityViolation => (ErrorCodes.BadValue, "Several rows have the same key: keep one of each, such as by group by or distinct on in a query."),
        PostgresErrorCodes.InvalidColumnReference => (ErrorCodes.Invalid, "The table needs a unique index, or a primary key, over just the keys."),
        PostgresErrorCodes.DuplicateTable => (ErrorCodes.Conflict, "Somebody else made the table meanwhile: run again."),
        PostgresErrorCodes.DiskFull => (ErrorCodes.StoreFull, "Free some space on the server."),
        PostgresErrorCodes.InsufficientPrivilege => (ErrorCodes.Sql, "Grant the user what it takes: insert; for Replace delete, for Upsert select and update too, and create on the schema for a new table."),
        PostgresErrorCodes.ReadOnlySqlTransaction => (ErrorCodes.Sql, "The server or the user may only read: write to the primary server."),
        PostgresErrorCodes.QueryCanceled => (ErrorCodes.Timeout, "Somebody cancelled it, or it took longer than the server's statement_timeout."),
        PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.LockNotAvailable => (ErrorCodes.Conflict, "Somebody else wrote at the same time: run again."),
        _ when state.StartsWith("22", StringComparison.Ordinal) || state.StartsWith("23", StringComparison.Ordinal) => (ErrorCodes.BadValue, "Correct the value in a query, or leave such rows out."),
        _ when state.StartsWith("54", StringComparison.Ordinal) => (ErrorCodes.TooLarge, "The server has no room for such a value or row: leave it out."),
        _ when state.StartsWith("57P", StringComparison.Ordinal) || state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("53", StringComparison.Ordinal) => (ErrorCodes.SourceUnavailable, "Run again once the server is there."),
        _ => (ErrorCodes.Sql, "Look at the names of schema, table and columns, and at what the user may do."),
    };

    [GeneratedRegex("^COPY .+, line ([0-9]+)(?:, column (.+?)(?::.*)?)?$", RegexOptions.CultureInvariant | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Place();
}
