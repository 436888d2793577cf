using Apache.Arrow;

namespace Gristmill.Data.Tests.Execution;

public sealed class FailureTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_function_throws_carries_row_step_and_cause()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 100_000);
        var flow = fixture.Read("a.parquet").Map((Number n) => n.I).Where(i => i >= 0).Map(i => 1000 / (i - 70_000));

        foreach (var work in new Func<Task>[] { () => flow.CountAsync(s_token), () => flow.ToObjectAsync(fixture.Store, s_token), () => flow.Sql("select count(*) from input").ToObjectAsync(fixture.Store, s_token) })
        {
            var error = await FlowFixture.FailAsync(work);
            Assert.Equal(ErrorCodes.StageFailed, error.Code);
            Assert.Equal(("70000", "map of Int32 to Int32"), (error.Error.Details["row"], error.Error.Details["step"]));
            Assert.IsType<DivideByZeroException>(error.InnerException);
        }

        Assert.Empty(fixture.Store.List());
    }

    [Theory]
    [InlineData("a.parquet")]
    [InlineData("[abcdef].parquet")]
    public async Task Parts_of_files_that_are_read_side_by_side_keep_order_and_row_numbers(string path)
    {
        using var fixture = new FlowFixture();
        var each = path.Length > 10 ? 100_000 : 900_000;
        foreach (var (name, i) in (path.Length > 10 ? "abcdef" : "a").Select((name, i) => (name, i)))
        {
            fixture.Numbers($"{name}.parquet", each, i * each, "(row_group_size 30000)");
        }

        var flow = fixture.Read(path).With(fixture.Options with { MemoryLimit = 512 << 20 }).Sql("select i, x, name from input where i % 2 = 1").Map((Number n) => n.I);
        var rows = await flow.Where(i => i % 5 != 0).ToListAsync(s_token);
        Assert.Equal(Enumerable.Range(0, path.Length > 10 ? 600_000 : 900_000).Where(i => i % 2 == 1 && i % 5 != 0), rows);

        var error = await FlowFixture.FailAsync(() => flow.Map(i => 1 / (i - 500_001)).ForEachBlockAsync(_ => { }, s_token));
        Assert.Equal("250000", error.Error.Details["row"]);
    }

    [Fact]
    public async Task A_map_of_batches_must_keep_its_columns()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 1000);
        var changing = fixture.Read("a.parquet").MapBatches(batch => batch.Length == 0 ? batch : new RecordBatch(new Schema([batch.Schema.GetFieldByIndex(0)], null), [batch.Column(0)], batch.Length));
        Assert.Equal(ErrorCodes.TypeMismatch, (await FlowFixture.FailAsync(() => changing.CountAsync(s_token))).Code);

        var shorter = fixture.Read("a.parquet").MapBatches(batch => batch.Length == 0 ? batch : new RecordBatch(batch.Schema, [batch.Column(0), ArrowArrayFactory.Slice(batch.Column(1), 0, 3), batch.Column(2)], batch.Length));
        Assert.Equal(ErrorCodes.TypeMismatch, (await FlowFixture.FailAsync(() => shorter.Sql("select sum(x) from input").CountAsync(s_token))).Code);

        var throwing = fixture.Read("a.parquet").MapBatches(batch => batch.Length == 0 ? batch : throw new InvalidOperationException("no"));
        var error = await FlowFixture.FailAsync(() => throwing.CountAsync(s_token));
        Assert.Equal((ErrorCodes.StageFailed, "0"), (error.Code, error.Error.Details["row"]));
    }

    [Theory]
    [InlineData("select i,\n  nme from input", "2", "3")]
    [InlineData("select * from input where", null, null)]
    public async Task A_query_that_DuckDB_refuses_is_shown_with_its_place(string query, string? line, string? column)
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 10);

        // As the first step, behind others, and behind a function.
        foreach (var flow in new DataFlow[] { fixture.Read("a.parquet"), fixture.Read("a.parquet").Sql("select * from input"), fixture.Read("a.parquet").Map((Number n) => n) })
        {
            var error = await FlowFixture.FailAsync(() => flow.Sql(query).Sql("select * from input").CountAsync(s_token));
            Assert.Equal(ErrorCodes.Sql, error.Code);
            if (line is not null)
            {
                Assert.Equal((line, column), (error.Error.Details["line"], error.Error.Details["column"]));
                Assert.Contains("LINE 2:   nme from input", error.Message);
            }
        }
    }

    [Fact]
    public async Task A_query_that_fails_midway_is_a_query_error()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 100_000);

        var error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").Sql("select cast(name as int) as i from input where i > 50000").Map((int i) => i).SumAsync(i => i, s_token));

        Assert.Equal(ErrorCodes.Sql, error.Code);
        Assert.Contains("name 1", error.Message);
    }

    [Fact]
    public async Task A_statement_that_is_no_query_is_refused()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 10);

        foreach (var text in new[] { "select 1; select 2", "drop table x", $"copy input to '{fixture.File("stolen.csv")}'", "" + " -- nothing" })
        {
            var error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").Sql(text).CountAsync(s_token));
            Assert.Equal(ErrorCodes.Sql, error.Code);
        }

        Assert.Single(Directory.EnumerateFiles(fixture.Folder));
    }

    [Fact]
    public async Task Options_that_are_wrong_are_all_named()
    {
        using var fixture = new FlowFixture();
        var error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").With(new FlowOptions { MemoryLimit = 1, Workers = 0 }).CountAsync(s_token));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("MemoryLimit is 1 bytes", error.Message);
        Assert.Contains("Workers is 0", error.Message);
    }

    [Fact]
    public async Task Who_leaves_a_loop_over_batches_ends_the_flow()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 500_000);
        var seen = 0;

        await foreach (var batch in fixture.Read("a.parquet").Map((Number n) =>
        {
            Interlocked.Increment(ref seen);
            return n;
        }).BatchesAsync(s_token))
        {
            batch.Dispose();
            break;
        }

        Assert.InRange(seen, 1, 400_000);
    }

    [Fact]
    public async Task A_flow_may_be_executed_again_and_by_several_at_once()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 50_000);
        var flow = fixture.Read("a.parquet").Map((Number n) => n.X).Where(x => x > 1);

        var sums = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => flow.SumAsync(x => x, s_token)));

        Assert.Single(sums.Distinct());
        Assert.Equal(sums[0], await flow.SumAsync(x => x, s_token));
    }

    [Fact]
    public void A_plan_says_what_is_done_as_one()
    {
        var flow = DataFlow.Read("a.parquet").Sql("select * from input where i > 1").Map((Number n) => n.I).Where(i => i > 2).MapBatches(b => b).Sql("select count(*) from input").With(new FlowOptions { Workers = 2 });

        Assert.Equal("""
            DuckDB: read a.parquet; SQL select * from input where i > 1
            C#, 2 workers: map of Number to Int32, where of Int32; map of batches
            DuckDB: SQL select count(*) from input
            """, flow.Explain());
    }
}
