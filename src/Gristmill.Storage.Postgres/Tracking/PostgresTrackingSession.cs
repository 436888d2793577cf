using System.Data.Common;
using Gristmill.Storage.Postgres.Database;
using Npgsql;

namespace Gristmill.Storage.Postgres;

/// <summary>A connection of the pool, for one question.</summary>
internal sealed class PostgresTrackingSession : ITrackingSession, IAsyncDisposable
{
    /// <summary>
    /// Whatever the planner thinks of tables that nobody has analysed yet: an order is read from its index and not made by sorting all, and rows are looked up by
    /// their keys. The pool takes the settings back.
    /// </summary>
    private const string Plans = "set enable_seqscan=off; set enable_bitmapscan=off; set enable_hashjoin=off; set enable_mergejoin=off; set enable_sort=off; set jit=off";

    private readonly NpgsqlConnection _connection;
    private readonly CancellationToken _cancellationToken;

    private PostgresTrackingSession(NpgsqlConnection connection, CancellationToken cancellationToken) => (_connection, _cancellationToken) = (connection, cancellationToken);

    public TrackingDialect Dialect => PostgresDialect.Instance;

    public static async Task<PostgresTrackingSession> OpenAsync(PostgresDatabase database, CancellationToken cancellationToken)
    {
        var session = new PostgresTrackingSession(await database.ConnectAsync(cancellationToken).ConfigureAwait(false), cancellationToken);
        try
        {
            await using var plans = new NpgsqlCommand(Plans, session._connection);
            await plans.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> row, IReadOnlyList<object> arguments)
    {
        await using var command = PostgresDatabase.Command(_connection, sql, [.. arguments.Select(static argument => argument is string text ? PostgresText.Encode(text) : argument)]);
        await using var reader = await command.ExecuteReaderAsync(_cancellationToken).ConfigureAwait(false);
        var rows = new List<T>();
        while (await reader.ReadAsync(_cancellationToken).ConfigureAwait(false))
        {
            rows.Add(row(reader));
        }

        return rows;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
