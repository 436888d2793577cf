using Npgsql;

namespace Gristmill.Data.Tests.Reading;

public sealed class PostgresTests(PostgresFixture server)
{
    private const string Values = """
        select true as b, 1::int2 as s, -2::int4 as i, 3::int8 as l, 1.5::float4 as f, 2.25::float8 as d, 12345.67::numeric(12, 2) as n, -0.00000001::numeric as m, 'héllo' as t,
               'v'::varchar(9) as v, '01020304-0506-0708-090a-0b0c0d0e0f10'::uuid as u, '{"a":1}'::json as j, '{"a": 1}'::jsonb as jb, '\x00ff'::bytea as y,
               date '1969-12-31' as day, timestamp '2026-11-28 04:30:00.000001' as at, timestamptz '2026-11-28 04:30:00+02' as atz, time '23:59:59.999999' as clock, null::int4 as nothing
        """;

    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_type_keeps_its_values()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var flow = DataFlow.ReadPostgresQuery(connection, Values).With(fixture.Options);
        Assert.Equal(
            "bool, int16, int32, int64, float, double, decimal128, decimal128, utf8, utf8, utf8, utf8, utf8, binary, date32, timestamp, timestamp, time64, int32",
            string.Join(", ", (await flow.GetSchemaAsync(s_token)).FieldsList.Select(static field => field.DataType.Name)));
        var row = Assert.Single(await flow.Sql("""
            select concat_ws('|', b, s, i, l, f, d, n, m, t, v, u, j, jb, hex(y), day, "at", atz at time zone 'UTC', clock, nothing is null) as line from input
            """).As<string>().ToListAsync(s_token));
        Assert.Equal("true|1|-2|3|1.5|2.25|12345.67|-0.0000000100|héllo|v|01020304-0506-0708-090a-0b0c0d0e0f10|{\"a\":1}|{\"a\": 1}|00FF|1969-12-31|2026-11-28 04:30:00.000001|2026-11-28 02:30:00|23:59:59.999999|true", row);
    }

    [Fact]
    public async Task A_table_is_read_in_blocks_of_bounded_memory_and_of_one_moment()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        await server.RunAsync("""create table "Big one" as select i, repeat('x', 500) as text from generate_series(0, 199999) as i""");
        var (rows, sum) = (0L, 0L);
        var result = await DataFlow.ReadPostgres(connection, "Big one").With(fixture.Options with { MemoryLimit = 64 << 20 }).ForEachBlockAsync(batch =>
        {
            if (rows == 0)
            {
                server.RunAsync("""delete from "Big one" where i > 100""").GetAwaiter().GetResult();
            }

            rows += batch.Length;
            var column = (Apache.Arrow.Int32Array)batch.Column("i");
            for (var i = 0; i < batch.Length; i++)
            {
                sum += column.GetValue(i)!.Value;
            }
        }, s_token);
        Assert.Equal((200_000, 199_999L * 100_000), (rows, sum));
        Assert.InRange(result.Progress.PeakMemory, 1, 64 << 20);
        Assert.Equal(101, await DataFlow.ReadPostgres(connection, "Big one", "public").With(fixture.Options).CountAsync(s_token));
    }

    [Theory]
    [InlineData("select 'infinity'::timestamp as v", ErrorCodes.BadValue)]
    [InlineData("select '-infinity'::date as v", ErrorCodes.BadValue)]
    [InlineData("select 'NaN'::numeric as v", ErrorCodes.BadValue)]
    [InlineData("select 0.00000000001::numeric as v", ErrorCodes.BadValue)]
    [InlineData("select 1e30::numeric as v", ErrorCodes.BadValue)]
    [InlineData("select time '24:00' as v", ErrorCodes.BadValue)]
    [InlineData("select interval '1 day' as v", ErrorCodes.TypeMismatch)]
    [InlineData("select point(1, 2) as v", ErrorCodes.TypeMismatch)]
    public async Task What_Arrow_does_not_hold_is_named_by_its_column(string query, string code)
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var error = await FlowFixture.FailAsync(() => DataFlow.ReadPostgresQuery(connection, query).With(fixture.Options).CountAsync(s_token));
        Assert.Equal((code, "v"), (error.Code, error.Error.Details["column"]));
    }

    [Theory]
    [InlineData("select * from missing", ErrorCodes.Sql)]
    [InlineData("select 1) to program 'true' --", ErrorCodes.Sql)]
    [InlineData("delete from pg_class returning oid", ErrorCodes.Sql)]
    [InlineData("select 1 as a, 2 as a", ErrorCodes.Invalid)]
    [InlineData("select 1 / (i - 90000) as v from generate_series(1, 100000) as i", ErrorCodes.Sql)]
    public async Task What_the_server_refuses_is_an_error_also_in_the_middle(string query, string code)
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        Assert.Equal(code, (await FlowFixture.FailAsync(() => DataFlow.ReadPostgresQuery(connection, query).With(fixture.Options).CountAsync(s_token))).Code);
    }

    [Fact]
    public async Task No_message_and_no_description_has_the_connection()
    {
        var (fixture, _) = server.Start();
        using var opened = fixture;
        var wrong = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Password = "hush-hush" }.ConnectionString;
        string[] texts = [wrong, "Host=127.0.0.1;Port=1;Password=hush-hush", "Port=hush-hush", "hush-hush", "Hush-Hush=hush-hush"];
        foreach (var text in texts)
        {
            var flow = DataFlow.ReadPostgresQuery(PostgresConnection.FromSecret("warehouse", new Secrets(text)), "select 1 as a").With(fixture.Options);
            Assert.Contains("secret 'warehouse'", flow.Explain(), StringComparison.Ordinal);
            var error = await FlowFixture.FailAsync(() => flow.CountAsync(s_token));
            Assert.Contains(error.Code, new[] { ErrorCodes.SourceUnavailable, ErrorCodes.Invalid });
            Assert.DoesNotContain("hush", error.ToString() + flow.Explain() + flow.Node, StringComparison.OrdinalIgnoreCase);
        }

        Assert.DoesNotContain("hush", PostgresConnection.FromString(wrong).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hush", Assert.Throws<GristmillException>(static () => PostgresConnection.FromSecret("Host=x;Password=hush")).ToString(), StringComparison.Ordinal);
        var missing = await FlowFixture.FailAsync(() => DataFlow.ReadPostgres(PostgresConnection.FromSecret("warehouse", new Secrets(null)), "t").CountAsync(s_token));
        Assert.Equal(ErrorCodes.SecretMissing, missing.Code);
    }

    [Fact]
    public async Task Cancelling_ends_a_query_that_gives_no_rows_yet()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(s_token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DataFlow.ReadPostgresQuery(connection, "select pg_sleep(600)::text as v")
            .With(fixture.Options with { Progress = new Told(_ => end.Cancel()) }).CountAsync(end.Token));
    }

    private sealed class Secrets(string? value) : ISecretStore
    {
        public ValueTask<string?> FindAsync(string name, CancellationToken cancellationToken) => ValueTask.FromResult(value);
    }
}
