using System.Text.Json;

namespace Gristmill.Engines.Sql.Tests.Checking;

public sealed class CheckOperationTests
{
    private const string Rows = """
        select i as id, case when i % 10 = 0 then null else i end as maybe, i % 3 as third, 's' || (i % 2) as text,
               timestamp '2001-01-01' + to_hours(i) as at, (timestamp '2001-01-01' + to_hours(i))::date as day, i * 0.5 as x
        from range(100) r(i)
        """;

    [Theory]
    [InlineData("""{"kind":"rows","min":100,"max":100}""")]
    [InlineData("""{"kind":"rows","min":1}""")]
    [InlineData("""{"kind":"notNull","column":"id"}""")]
    [InlineData("""{"kind":"range","column":"id","min":0,"max":99}""")]
    [InlineData("""{"kind":"range","column":"maybe","min":1}""")]
    [InlineData("""{"kind":"range","column":"day","min":{"$date":"2001-01-01"},"max":{"$date":"2001-01-05"}}""")]
    [InlineData("""{"kind":"oneOf","column":"text","values":["s0","s1"]}""")]
    [InlineData("""{"kind":"unique","columns":["id"]}""")]
    [InlineData("""{"kind":"unique","columns":["maybe"]}""")]
    [InlineData("""{"kind":"unique","columns":["third","id"]}""")]
    [InlineData("""{"kind":"fresh","column":"at","maxAge":"1.00:00:00"}""")]
    [InlineData("""{"kind":"schema","schema":{"id":"integer","text":"text","at":"timestamp","day":"date","x":"number"}}""")]
    [InlineData("""{"kind":"where","sql":"id >= third -- a comment"}""")]
    public async Task A_rule_that_holds_lets_the_same_table_through(string rule)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Rows);

        var outputs = (await CheckAsync(fixture, rows, "block", rule)).Artifacts;

        Assert.Equal(rows, outputs["out"].Dataset);
        Assert.Equal((100, 0), (outputs["metrics"].Metrics!["rows"], outputs["metrics"].Metrics!["failedRules"]));
        Assert.Equal("[]", outputs["findings"].Value!.Json);
    }

    [Theory]
    [InlineData("""{"kind":"rows","min":101}""", "rows", 100, "there are 100 rows, fewer than 101")]
    [InlineData("""{"kind":"rows","max":99}""", "rows", 100, "more than 99")]
    [InlineData("""{"kind":"notNull","column":"maybe"}""", "not-null.maybe", 10, "of column 'maybe' 10 are null")]
    [InlineData("""{"kind":"range","column":"id","min":10,"max":89}""", "range.id", 20, "20 are below 10 or above 89")]
    [InlineData("""{"kind":"oneOf","column":"text","values":["s0"]}""", "one-of.text", 50, "50 are none of \"s0\"")]
    [InlineData("""{"kind":"unique","columns":["third"]}""", "unique.third", 97, "97 repeat another row's")]
    [InlineData("""{"kind":"fresh","column":"at","maxAge":"01:00:00"}""", "fresh.at", 1, "2001-01-05T03:00:00Z, is older than 01:00:00")]
    [InlineData("""{"kind":"schema","schema":{"id":"text","gone":"date"}}""", "schema", 2, "column 'gone' is missing, column 'id' is int64, not text")]
    [InlineData("""{"kind":"where","sql":"maybe > 5"}""", "where", 15, "maybe > 5 does not hold")]
    public async Task A_broken_rule_blocks_or_is_told(string rule, string name, double count, string words)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Rows);

        var error = await Assert.ThrowsAsync<GristmillException>(() => CheckAsync(fixture, rows, "block", rule));
        Assert.Equal(ErrorCodes.CheckFailed, error.Code);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Contains($"{name}: ", error.Error.Details["findings"], StringComparison.Ordinal);

        var outputs = (await CheckAsync(fixture, rows, "warn", rule)).Artifacts;
        Assert.Equal(rows, outputs["out"].Dataset);
        Assert.Equal((count, 1), (outputs["metrics"].Metrics![name], outputs["metrics"].Metrics!["failedRules"]));
        Assert.Contains(words, JsonSerializer.Deserialize<string[]>(outputs["findings"].Value!.Json!)!.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_broken_rule_is_named_at_once()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Rows);

        var error = await Assert.ThrowsAsync<GristmillException>(() => CheckAsync(fixture, rows, "block",
            """{"kind":"notNull","column":"maybe"}""", """{"kind":"notNull","column":"id"}""", """{"kind":"unique","columns":["text"]}"""));

        Assert.Equal("not-null.maybe,unique.text", error.Error.Details["rules"]);
        Assert.Equal("maybe", error.Error.Details["column"]);
    }

    [Fact]
    public async Task An_empty_table_has_no_rows_and_is_not_fresh()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select timestamp '2001-01-01' as at, 1 as id where false");

        await CheckAsync(fixture, rows, "block", """{"kind":"unique","columns":["id"]}""", """{"kind":"notNull","column":"id"}""");
        Assert.Contains("no newest", (await Assert.ThrowsAsync<GristmillException>(
            () => CheckAsync(fixture, rows, "block", """{"kind":"fresh","column":"at","maxAge":"01:00:00"}"""))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"kind":"notNull","column":"gone"}""", ErrorCodes.UnknownColumn, "'gone'")]
    [InlineData("""{"kind":"range","column":"id"}""", ErrorCodes.Invalid, "neither min nor max")]
    [InlineData("""{"kind":"rows","min":-1}""", ErrorCodes.Invalid, "-1")]
    [InlineData("""{"kind":"fresh","column":"at","maxAge":"00:00:00"}""", ErrorCodes.Invalid, "above zero")]
    [InlineData("""{"kind":"bogus"}""", ErrorCodes.Invalid, "kind")]
    [InlineData("""{"kind":"where","sql":"nothing like it"}""", ErrorCodes.Sql, "")]
    [InlineData("""{"kind":"where","sql":"(select count(*) from read_csv('/etc/passwd')) > 0"}""", ErrorCodes.Sql, "")]
    public async Task A_rule_that_makes_no_sense_is_refused(string rule, string code, string named)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Rows);

        var error = await Assert.ThrowsAsync<GristmillException>(() => CheckAsync(fixture, rows, "block", rule));

        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static Task<StageOutputs> CheckAsync(EngineFixture fixture, ObjectRef rows, string action, params string[] rules) => fixture.RunAsync(
        StageOperations.SqlCheck, $$"""{"rules":[{{string.Join(',', rules)}}],"action":"{{action}}","asOf":"2001-01-05T12:00:00Z"}""", new() { ["data"] = rows });
}
