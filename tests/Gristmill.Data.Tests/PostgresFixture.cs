using Gristmill.Data.Tests;
using Gristmill.Testing;
using Npgsql;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Gristmill.Data.Tests;

/// <summary>A PostgreSQL server for all tests that need one; where there is none they are skipped.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private PostgresServer? _server;

    internal string ConnectionString => _server!.ConnectionString;

    public async ValueTask InitializeAsync() => _server = PostgresServer.Missing is null ? await PostgresServer.StartAsync() : null;

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    internal (FlowFixture Fixture, PostgresConnection Connection) Start()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        return (new FlowFixture(), PostgresConnection.FromString(ConnectionString));
    }

    internal async Task RunAsync(string statement)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString + ";Pooling=false");
        await using var command = source.CreateCommand(statement);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>The first value of the result.</summary>
    internal async Task<T> ScalarAsync<T>(string query)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString + ";Pooling=false");
        await using var command = source.CreateCommand(query);
        return (T)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }
}
