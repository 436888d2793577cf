using Npgsql;

namespace Gristmill.Storage.Postgres.Database;

public sealed class PostgresSchemaTests(PostgresFixture fixture)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silos_that_start_at_once_make_the_tables_once()
    {
        var connection = fixture.NewSchema();

        var before = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await using var own = await OpenAsync(connection);
            return await PostgresSchema.EnsureAsync(own, Cancel);
        }));

        Assert.Single(before, 0);
        Assert.All(before, static version => Assert.InRange(version, 0, PostgresSchema.Version));
    }

    [Fact]
    public async Task Tables_of_a_newer_version_are_left_alone()
    {
        await using var connection = await OpenAsync(fixture.NewSchema());
        await PostgresSchema.EnsureAsync(connection, Cancel);
        await using var newer = new NpgsqlCommand("update gristmill_schema set version=99", connection);
        await newer.ExecuteNonQueryAsync(Cancel);

        var error = await Assert.ThrowsAsync<GristmillException>(() => PostgresSchema.EnsureAsync(connection, Cancel));

        Assert.Equal(ErrorCodes.StorageUnavailable, error.Code);
        Assert.Contains("99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_without_rights_to_make_tables_uses_those_that_are_there()
    {
        var text = fixture.NewSchema();
        var settings = new NpgsqlConnectionStringBuilder(text);
        await using var owner = await OpenAsync(text);
        var user = $"u{Guid.NewGuid():N}";
        await using var create = new NpgsqlCommand($"create user {user} password 'p'; grant usage on schema {settings.SearchPath} to {user}", owner);
        await create.ExecuteNonQueryAsync(Cancel);
        (settings.Username, settings.Password) = (user, "p");
        await using var poor = await OpenAsync(settings.ConnectionString);
        await Assert.ThrowsAsync<PostgresException>(() => PostgresSchema.EnsureAsync(poor, Cancel));

        await PostgresSchema.EnsureAsync(owner, Cancel);
        await using var grant = new NpgsqlCommand($"grant select, insert, update, delete on all tables in schema {settings.SearchPath} to {user}", owner);
        await grant.ExecuteNonQueryAsync(Cancel);

        Assert.Equal(PostgresSchema.Version, await PostgresSchema.EnsureAsync(poor, Cancel));
    }

    private static async Task<NpgsqlConnection> OpenAsync(string connection)
    {
        var open = new NpgsqlConnection(connection);
        await open.OpenAsync(Cancel);
        return open;
    }
}
