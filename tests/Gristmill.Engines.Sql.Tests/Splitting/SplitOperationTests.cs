using Apache.Arrow;

namespace Gristmill.Engines.Sql.Tests.Splitting;

public sealed class SplitOperationTests
{
    private const string Rows = "select i, i / 2 as x, timestamp '2001-01-01' + to_hours(i) as t, 's' || i as s, case when i > 5 then i end as n from range(1000) r(i)";

    [Theory]
    [InlineData("""{"by":"time","column":"t","at":"2001-01-11"}""", 240, 760)]
    [InlineData("""{"by":"time","column":"t","at":"2001-01-11T12:00:00"}""", 252, 748)]
    [InlineData("""{"by":"value","column":"t","at":{"$timestamp":"2001-01-11T12:00:00Z"}}""", 252, 748)]
    [InlineData("""{"by":"value","column":"i","at":300}""", 300, 700)]
    [InlineData("""{"by":"value","column":"x","at":[0.5]}""", 1, 999)]
    [InlineData("""{"by":"value","column":"i","at":-1}""", 0, 1000)]
    public async Task Rows_below_the_value_are_the_first_part(string options, int train, int test)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Rows);
        var parts = await fixture.RunAsync(StageOperations.SqlSplit, options, new() { ["data"] = rows });
        Assert.Equal((train, test), (parts.Artifacts["train"].Dataset!.Rows, parts.Artifacts["test"].Dataset!.Rows));
        Assert.Equal(rows.SchemaFingerprint, parts.Artifacts["test"].Dataset!.SchemaFingerprint);
    }

    [Fact]
    public async Task Several_values_make_several_parts()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Rows);
        var parts = await fixture.RunAsync(StageOperations.SqlSplit, """{"by":"value","column":"i","at":[100,300]}""", new() { ["data"] = rows });
        Assert.Equal(["test", "train", "validation"], parts.Artifacts.Keys.Order());
        Assert.Equal((100, 200, 700), (parts.Artifacts["train"].Dataset!.Rows, parts.Artifacts["validation"].Dataset!.Rows, parts.Artifacts["test"].Dataset!.Rows));
    }

    [Fact]
    public async Task A_random_split_depends_on_the_seed_alone()
    {
        async Task<List<long>> Test(int threads, int seed)
        {
            using var fixture = new EngineFixture { Threads = threads };
            var rows = await fixture.QueryAsync("select i from range(20000) r(i)");
            var parts = await fixture.RunAsync(StageOperations.SqlSplit,
                $$"""{"by":"random","fractions":[0.8,0.2],"seed":{{seed}},"names":["a","b"]}""", new() { ["data"] = rows });
            Assert.Equal(20_000, parts.Artifacts["a"].Dataset!.Rows + parts.Artifacts["b"].Dataset!.Rows);
            using var lease = fixture.Store.Get(parts.Artifacts["b"].Dataset!);
            return [.. lease.Batches.SelectMany(batch => ((Int64Array)batch.Column(0)).Values.ToArray())];
        }

        var one = await Test(1, 42);
        Assert.InRange(one.Count, 3800, 4200);
        Assert.Equal(one, await Test(2, 42));
        Assert.NotEqual(one, await Test(2, 43));
    }

    [Theory]
    [InlineData("""{"by":"value","column":"i","at":[300,100]}""", ErrorCodes.Invalid, "ascend")]
    [InlineData("""{"by":"value","column":"j","at":1}""", ErrorCodes.UnknownColumn, "'j'")]
    [InlineData("""{"by":"time","column":"s","at":"2001-01-11"}""", ErrorCodes.TypeMismatch, "'s'")]
    [InlineData("""{"by":"value","column":"i","at":[{"$date":"2001-01-11"}]}""", ErrorCodes.TypeMismatch, "'i'")]
    [InlineData("""{"by":"value","column":"n","at":7}""", ErrorCodes.BadValue, "6 rows")]
    [InlineData("""{"by":"value","column":"i"}""", ErrorCodes.Invalid, "at")]
    [InlineData("""{"by":"value","at":1}""", ErrorCodes.Invalid, "column")]
    [InlineData("""{"by":"random"}""", ErrorCodes.Invalid, "fractions")]
    [InlineData("""{"by":"random","fractions":[0.9,0.2]}""", ErrorCodes.Invalid, "fractions")]
    [InlineData("""{"by":"random","fractions":[0.9],"names":["a"]}""", ErrorCodes.Invalid, "names")]
    [InlineData("""{"by":"random","fractions":[0.9],"names":["a","a"]}""", ErrorCodes.Invalid, "names")]
    [InlineData("""{"by":"time","column":"t","at":"soon"}""", ErrorCodes.Invalid, "soon")]
    [InlineData("""{"by":"luck"}""", ErrorCodes.Invalid, "")]
    public async Task What_does_not_divide_is_refused_and_leaves_nothing(string options, string code, string named)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Rows);
        var error = await fixture.FailAsync(StageOperations.SqlSplit, options, new() { ["data"] = rows });
        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message);
        Assert.Equal([rows.Id], fixture.Store.List().Select(item => item.Id));
    }
}
