namespace Gristmill.Engines.Sql.Tests;

public sealed class SqlEngineTests
{
    [Fact]
    public async Task Files_queries_and_splits_work_together()
    {
        using var fixture = new EngineFixture();
        EngineFixture.Duck($"copy (select i, i % 10 as g, timestamp '2001-01-01' + to_hours(i) as t from range(5000) r(i)) to '{fixture.File("a.parquet")}'");
        var rows = await fixture.ReadAsync(new { path = "a.parquet" });
        Assert.Equal(5000, rows.Rows);
        var sums = await fixture.QueryAsync("select g, sum(i)::bigint as s from rows group by g having sum(i) > $least order by g", new { least = 0 }, ("rows", rows));
        Assert.Equal(10, sums.Rows);
        Assert.Equal("12497500", await fixture.ScalarAsync(sums, "sum(s)"));
        var split = await fixture.RunAsync(StageOperations.SqlSplit, """{"by":"value","column":"t","at":[{"$date":"2001-04-01"}],"names":["train","test"]}""", new() { ["data"] = rows });
        Assert.Equal(90 * 24, split.Artifacts["train"].Dataset!.Rows);
        Assert.Equal(5000 - (90 * 24), split.Artifacts["test"].Dataset!.Rows);
    }

    [Fact]
    public async Task An_unknown_operation_is_refused()
    {
        using var fixture = new EngineFixture();
        Assert.Equal(ErrorCodes.Invalid, (await fixture.FailAsync("sql.drop", new { })).Code);
    }
}
