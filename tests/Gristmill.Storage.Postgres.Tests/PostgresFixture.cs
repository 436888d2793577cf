using Gristmill.Storage.Postgres;
using Gristmill.Testing;
using Npgsql;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Gristmill.Storage.Postgres;

/// <summary>One server for all tests here; each has a schema of its own in it. Without PostgreSQL on the machine they are skipped.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private PostgresServer? _server;

    public async ValueTask InitializeAsync()
    {
        if (PostgresServer.Missing is null)
        {
            _server = await PostgresServer.StartAsync();
        }
    }

    /// <summary>Reaches an empty schema that nobody else uses.</summary>
    public string NewSchema()
    {
        Assert.SkipWhen(_server is null, PostgresServer.Missing ?? "");
        var schema = $"t{Guid.NewGuid():N}";
        using var connection = new NpgsqlConnection(_server.ConnectionString);
        connection.Open();
        using var create = new NpgsqlCommand($"create schema {schema}", connection);
        create.ExecuteNonQuery();
        return $"{_server.ConnectionString};Search Path={schema}";
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            NpgsqlConnection.ClearAllPools();
            await _server.DisposeAsync();
        }
    }
}
