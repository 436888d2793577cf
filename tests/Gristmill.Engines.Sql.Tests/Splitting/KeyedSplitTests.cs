using Apache.Arrow;

namespace Gristmill.Engines.Sql.Tests.Splitting;

public sealed class KeyedSplitTests
{
    [Theory]
    [InlineData("i % 997")]
    [InlineData("case when i % 5 > 0 then 'g''\"' || (i % 300) end")]
    [InlineData("case i % 4 when 0 then 0.0::double when 1 then -0.0::double when 2 then 'nan'::double else i end")]
    [InlineData("{'a': i % 50, 'b': null}")]
    public async Task A_group_is_in_one_part(string group)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync($"select i, {group} as g from range(20000) r(i)");
        var parts = await fixture.RunAsync(StageOperations.SqlSplit, """{"by":"group","column":"g","fractions":[0.6,0.2,0.2],"seed":3}""", new() { ["data"] = rows });
        var (train, validation, test) = Parts(parts);
        Assert.Equal(20_000, train.Rows + validation.Rows + test.Rows);
        var shared = await fixture.QueryAsync("""
            select count(*) as n from (
                select g from (select g, 1 as p from a union all select g, 2 from b union all select g, 3 from c)
                group by g having count(distinct p) > 1)
            """, null, ("a", train), ("b", validation), ("c", test));
        Assert.Equal("0", await fixture.ScalarAsync(shared, "n"));
    }

    [Fact]
    public async Task Groups_go_to_the_same_part_in_every_table_and_parts_keep_their_order()
    {
        using var fixture = new EngineFixture();
        var first = await fixture.QueryAsync("select i, i % 1000 as g from range(50000) r(i)");
        var second = await fixture.QueryAsync("select 999 - g as g from range(1000) r(g)");
        const string Options = """{"by":"group","columns":["g"],"fractions":[0.7],"seed":11}""";
        var (train, test) = Two(await fixture.RunAsync(StageOperations.SqlSplit, Options, new() { ["data"] = first }));
        var (other, _) = Two(await fixture.RunAsync(StageOperations.SqlSplit, Options, new() { ["data"] = second }));
        var match = await fixture.QueryAsync("select (select list_sort(list(distinct g)) from a) = (select list_sort(list(distinct g)) from b) as same", null, ("a", train), ("b", other));
        Assert.Equal("true", await fixture.ScalarAsync(match, "same"));
        Assert.InRange(train.Rows / 50_000.0, 0.65, 0.75);
        var order = Longs(fixture, test);
        Assert.Equal(order.Order(), order);
    }

    [Fact]
    public async Task Each_part_has_its_share_of_each_class_to_a_row()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select i, case when i < 10 then 'rare' when i % 10 = 0 then null else 'often' end as y from range(10007) r(i)");
        var (train, validation, test) = Parts(await fixture.RunAsync(
            StageOperations.SqlSplit, """{"by":"stratified","column":"y","fractions":[0.7,0.1,0.2],"seed":1}""", new() { ["data"] = rows }));
        Assert.Equal("[[NULL, 700], [often, 6298], [rare, 7]]", await Counts(fixture, train));
        Assert.Equal("[[NULL, 100], [often, 900], [rare, 1]]", await Counts(fixture, validation));
        Assert.Equal("[[NULL, 200], [often, 1799], [rare, 2]]", await Counts(fixture, test));
        var order = Longs(fixture, train);
        Assert.Equal(order.Order(), order);
    }

    [Fact]
    public async Task A_stratified_split_depends_on_the_seed_alone()
    {
        async Task<List<long>> Test(int threads, int seed)
        {
            using var fixture = new EngineFixture { Threads = threads };
            var rows = await fixture.QueryAsync("select i, i % 3 = 0 as y from range(200000) r(i)");
            var parts = await fixture.RunAsync(StageOperations.SqlSplit, $$"""{"by":"stratified","column":"y","fractions":[0.5],"seed":{{seed}}}""", new() { ["data"] = rows });
            return Longs(fixture, parts.Artifacts["test"].Dataset!);
        }

        var one = await Test(1, 42);
        Assert.Equal(33_333 + 66_666, one.Count);
        Assert.Equal(one, await Test(4, 42));
        Assert.NotEqual(one, await Test(4, 43));

        // Half of the earlier rows, too: a row's place says nothing about its part.
        Assert.InRange(one.Count(i => i < 100_000), 49_000, 51_000);
    }

    [Theory]
    [InlineData("group")]
    [InlineData("stratified")]
    public async Task An_empty_table_and_one_class_are_split(string by)
    {
        using var fixture = new EngineFixture();
        var options = $$"""{"by":"{{by}}","column":"y","fractions":[0.8]}""";
        var (none, still) = Two(await fixture.RunAsync(StageOperations.SqlSplit, options, new() { ["data"] = await fixture.QueryAsync("select 1 as y where false") }));
        Assert.Equal((0, 0), (none.Rows, still.Rows));
        var (train, test) = Two(await fixture.RunAsync(StageOperations.SqlSplit, options, new() { ["data"] = await fixture.QueryAsync("select null::integer as y from range(10)") }));
        Assert.Equal(10, train.Rows + test.Rows);
        Assert.True(by == "stratified" ? (train.Rows, test.Rows) == (8, 2) : train.Rows is 0 or 10);
    }

    [Fact]
    public async Task Names_that_SQL_has_not_are_kept()
    {
        using var fixture = new EngineFixture();
        string[] names = ["Class", "class", "", "select", "gristmill_label", "c0", "a\"b'; --", .. Enumerable.Range(0, 9_993).Select(i => $"x{i}")];
        var schema = new Schema(names.Select(name => new Field(name, Apache.Arrow.Types.Int64Type.Default, true)), null);
        using var batch = new RecordBatch(schema, names.Select((_, i) => (IArrowArray)new Int64Array.Builder().AppendRange(Enumerable.Range(0, 10).Select(row => (long)(i < 1 ? row % 2 : i))).Build()), 10);
        using var writer = fixture.Store.Create(schema, 16 << 20);
        writer.Append(batch);
        var rows = writer.Seal();
        foreach (var key in names[..2])
        {
            var (train, test) = Two(await fixture.RunAsync(StageOperations.SqlSplit, $$"""{"by":"stratified","column":"{{key}}","fractions":[0.6]}""", new() { ["data"] = rows }));
            using var lease = fixture.Store.Get(test);
            Assert.Equal(names, lease.Schema.FieldsList.Select(field => field.Name));
            Assert.Equal((6, 4), (train.Rows, test.Rows));
            Assert.Equal(1, ((Int64Array)lease.Batches[0].Column(1)).GetValue(0));
            Assert.Equal(6, ((Int64Array)lease.Batches[0].Column(6)).GetValue(0));
            if (key == "Class")
            {
                Assert.Equal(2, Enumerable.Range(0, 4).Sum(i => ((Int64Array)lease.Batches[0].Column(0)).GetValue(i)));
            }
        }
    }

    [Theory]
    [InlineData("""{"by":"group","column":"j","fractions":[0.5]}""", ErrorCodes.UnknownColumn, "'j'")]
    [InlineData("""{"by":"stratified","columns":["i","J"],"fractions":[0.5]}""", ErrorCodes.UnknownColumn, "'J'")]
    [InlineData("""{"by":"group","fractions":[0.5]}""", ErrorCodes.Invalid, "columns")]
    [InlineData("""{"by":"stratified","column":"i"}""", ErrorCodes.Invalid, "fractions")]
    [InlineData("""{"by":"stratified","column":"i","fractions":[-0.5]}""", ErrorCodes.Invalid, "fractions")]
    public async Task What_does_not_divide_is_refused_and_leaves_nothing(string options, string code, string named)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select i from range(10) r(i)");
        var error = await fixture.FailAsync(StageOperations.SqlSplit, options, new() { ["data"] = rows });
        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal([rows.Id], fixture.Store.List().Select(item => item.Id));
    }

    private static (ObjectRef Train, ObjectRef Validation, ObjectRef Test) Parts(StageOutputs parts) =>
        (parts.Artifacts["train"].Dataset!, parts.Artifacts["validation"].Dataset!, parts.Artifacts["test"].Dataset!);

    private static (ObjectRef Train, ObjectRef Test) Two(StageOutputs parts) => (parts.Artifacts["train"].Dataset!, parts.Artifacts["test"].Dataset!);

    private static Task<string?> Counts(EngineFixture fixture, ObjectRef part) =>
        fixture.ScalarAsync("select list([y, n::varchar] order by y nulls first)::varchar as x from (select y, count(*) as n from t group by y)", part);

    private static List<long> Longs(EngineFixture fixture, ObjectRef part)
    {
        using var lease = fixture.Store.Get(part);
        return [.. lease.Batches.SelectMany(batch => ((Int64Array)batch.Column(0)).Values.ToArray())];
    }
}
