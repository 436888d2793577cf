using Apache.Arrow;

namespace Gristmill.Data.Tests;

public sealed class DataFlowTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_go_from_a_file_through_SQL_and_CSharp_in_their_order()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 300_000);

        var rows = await fixture.Read("a.parquet")
            .Sql("select i, x, name from input where i % 3 = 0")
            .Map((Number n) => new Pair(n.I, n.X * 2))
            .Where(p => p.I % 2 == 0)
            .Sql("select I + 1 as \"I\", Twice from input")
            .As<Pair>()
            .ToListAsync(s_token);

        Assert.Equal(Enumerable.Range(0, 300_000).Where(i => i % 6 == 0).Select(i => new Pair(i + 1, i / 2.0)), rows);
    }

    [Fact]
    public async Task An_aggregate_takes_each_row_once()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 100_000);

        var summary = await fixture.Read("a.parquet").Map((Number n) => n.X).SummarizeAsync(x => x, s_token);

        Assert.Equal(new RowSummary(100_000, Enumerable.Range(0, 100_000).Sum(i => i / 4.0), 0, 99_999 / 4.0), summary);
    }

    [Fact]
    public async Task A_stream_behind_CSharp_is_grouped_and_joined_by_SQL()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 200_000);
        FlowFixture.Duck($"copy (select 'name ' || i as name, i as n from range(50) r(i)) to '{fixture.File("names.csv")}' (header)");
        var names = fixture.Read("names.csv");
        var least = 10;

        var rows = await fixture.Read("a.parquet")
            .Map((Number n) => new { n.Name, Value = n.X * 4 })
            .Sql($"select b.n as I, sum(a.Value) as Twice from input a join {names} b on a.Name = b.name where b.n >= {least} group by b.n order by b.n")
            .As<Pair>().ToListAsync(s_token);

        Assert.Equal(Enumerable.Range(10, 40).Select(n => new Pair(n, Enumerable.Range(0, 2000).Sum(k => n + (100.0 * k)))), rows);
    }

    [Fact]
    public async Task A_sample_is_the_same_rows_in_their_order_whatever_the_workers()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 200_000);
        var numbers = fixture.Read("a.parquet");

        async Task<List<int>> Sample(DataFlow flow, int workers) => await flow.With(flow.Options with { Workers = workers }).Select("i").As<int>().ToListAsync(s_token);
        var one = await Sample(numbers.Sample(0.1, seed: 7), 1);

        // 20,000 but for chance; the standard deviation is 134.
        Assert.InRange(one.Count, 19_400, 20_600);
        Assert.InRange(one.Count(i => i < 100_000), 9_500, 10_500);
        Assert.Equal(one.Order().Distinct(), one);
        Assert.Equal(one, await Sample(numbers.Sample(0.1, seed: 7), 4));
        Assert.Equal(one, await Sample(numbers.Map((Number n) => n).Sample(0.1, seed: 7), 4));
        Assert.NotEqual(one, await Sample(numbers.Sample(0.1, seed: 8), 1));
        Assert.Empty(await Sample(numbers.Sample(0), 2));
        Assert.Equal(200_000, (await Sample(numbers.Sample(1), 2)).Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => numbers.Sample(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => numbers.Sample(double.NaN));
    }

    [Fact]
    public async Task A_query_may_read_a_stream_twice()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 50_000);

        var count = await fixture.Read("a.parquet").Map((Number n) => new Pair(n.I, n.X))
            .Sql("select count(*) as c from input a join input b on a.I = b.I + 1 where a.I > (select avg(I) from input)").As<long>().ToListAsync(s_token);

        Assert.Equal([25_000], count);
    }

    [Fact]
    public async Task Batches_are_mapped_whole()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 100_000);

        var flow = fixture.Read("a.parquet").MapBatches(batch => new RecordBatch(
            new Schema([batch.Schema.GetFieldByName("i")], null), [batch.Column("i")], batch.Length));

        Assert.Equal(["i"], (await flow.GetSchemaAsync(s_token)).FieldsList.Select(f => f.Name));
        Assert.Equal(Enumerable.Range(0, 100_000), await flow.Map((int i) => i).ToListAsync(s_token));
        Assert.Equal(100_000, await flow.CountAsync(s_token));
    }

    [Fact]
    public async Task Objects_are_made_and_read_where_they_lie()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 200_000);

        var bySql = await fixture.Read("a.parquet").ToObjectAsync(fixture.Store, s_token);
        using var lease = fixture.Store.Get(bySql);
        var byRows = await DataFlow.From(lease).With(fixture.Options).Map((Number n) => new Pair(n.I, n.X)).Where(p => p.I >= 100).ToObjectAsync(fixture.Store, s_token);
        using var second = fixture.Store.Get(byRows);

        Assert.Equal((200_000, 199_900), (bySql.Rows, byRows.Rows));
        Assert.Equal(199_900, await DataFlow.From(second).With(fixture.Options).CountAsync(s_token));
        Assert.Equal(Enumerable.Range(100, 199_900).Sum(i => i / 4.0), await DataFlow.From(second).With(fixture.Options).SumAsync("Twice", s_token));
        Assert.Equal(0, fixture.Store.LeakedLeases);
    }

    [Fact]
    public async Task Batches_are_handed_out_and_outlive_the_flow()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 100_000);
        var batches = new List<RecordBatch>();

        await foreach (var batch in fixture.Read("a.parquet").Map((Number n) => n).BatchesAsync(s_token))
        {
            batches.Add(batch);
        }

        Assert.Equal(Enumerable.Range(0, 100_000), batches.SelectMany(b => ((Int32Array)b.Column("I")).Values.ToArray()));
        batches.ForEach(b => b.Dispose());
    }

    [Fact]
    public async Task Only_the_first_rows_are_taken()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 100_000);

        Assert.Equal([0, 1, 2], await fixture.Read("a.parquet").Map((Number n) => n).Take(3).Select("I").Map((int i) => i).ToListAsync(s_token));
    }
}
