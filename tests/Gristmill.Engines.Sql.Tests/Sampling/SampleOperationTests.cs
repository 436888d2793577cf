using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Splitting;

namespace Gristmill.Engines.Sql.Tests.Sampling;

public sealed class SampleOperationTests
{
    [Theory]
    [InlineData("""{"rows":0}""", 0)]
    [InlineData("""{"rows":1}""", 1)]
    [InlineData("""{"rows":1234}""", 1234)]
    [InlineData("""{"rows":10007}""", 10_007)]
    [InlineData("""{"fraction":0}""", 0)]
    [InlineData("""{"fraction":0.5}""", 5004)]
    [InlineData("""{"fraction":0.29}""", 2902)]
    [InlineData("""{"fraction":1}""", 10_007)]
    [InlineData("""{"fraction":0.3,"columns":["g"]}""", 3002)]
    [InlineData("""{"rows":7,"columns":["g"]}""", 7)]
    public async Task It_has_exactly_so_many_different_rows_in_order(string options, int rows)
    {
        using var fixture = new EngineFixture();
        var table = await fixture.QueryAsync("select i, i % 13 as g from range(10007) r(i)");
        var order = Longs(fixture, await Sample(fixture, options, table));
        Assert.Equal(rows, order.Count);
        Assert.Equal(order.Distinct().Order(), order);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_row_is_drawn_as_often(bool replacement)
    {
        using var fixture = new EngineFixture();
        var drawn = Longs(fixture, await Sample(fixture, new { rows = 30_000, seed = 1, replacement }, await fixture.QueryAsync("select i from range(100000) r(i)")));

        // Of each twentieth of the table, in a run and scattered, 1,500 but for chance: chi squared of 19 degrees is above 52 once in 10,000 times; the seed is fixed.
        foreach (var part in new Func<long, long>[] { i => i / 5000, i => i % 20 })
        {
            var counts = drawn.CountBy(part).Select(group => group.Value).ToList();
            Assert.Equal(20, counts.Count);
            Assert.InRange(counts.Sum(count => (count - 1500.0) * (count - 1500) / 1500), 0, 52);
        }
    }

    [Fact]
    public async Task Groups_have_their_share_to_a_row_or_as_many_each()
    {
        using var fixture = new EngineFixture();
        var table = await fixture.QueryAsync("select i, case when i < 10 then 'rare' when i % 10 = 0 then null else 'often' end as y, i % 2 as z from range(10007) r(i)");
        Assert.Equal("[[NULL, 100], [often, 900], [rare, 1]]", await Counts(fixture, await Sample(fixture, """{"fraction":0.1,"columns":["y"]}""", table)));
        Assert.Equal("[[NULL, 1], [often, 9]]", await Counts(fixture, await Sample(fixture, """{"rows":10,"columns":["y"]}""", table)));
        Assert.Equal("[[NULL, 10], [often, 10], [rare, 10]]", await Counts(fixture, await Sample(fixture, """{"rows":10,"columns":["y"],"allocation":"equal"}""", table)));
        Assert.Equal("[[NULL, 30], [often, 30], [rare, 30]]", await Counts(fixture, await Sample(fixture, """{"rows":30,"columns":["y"],"allocation":"equal","replacement":true}""", table)));
        Assert.Equal("[[NULL, 2], [often, 4], [rare, 4]]", await Counts(fixture, await Sample(fixture, """{"rows":2,"columns":["y","z"],"allocation":"equal"}""", table)));
    }

    [Theory]
    [InlineData(10, "3,3,4", "3,3,4")]
    [InlineData(5, "3,3,4", "2,1,2")]
    [InlineData(1, "1,1,1", "1,0,0")]
    [InlineData(0, "5", "0")]
    [InlineData(0, "", "")]
    [InlineData(7, "0,1", "0,7")]
    public void The_largest_remainder_goes_first(long rows, string sizes, string expected) =>
        Assert.Equal(expected, string.Join(',', RowQuotas.Proportional(rows, [.. sizes.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse)])));

    [Fact]
    public void Shares_of_many_large_groups_sum_to_the_sample()
    {
        var random = new Random(1);
        for (var i = 0; i < 10; i++)
        {
            var sizes = Enumerable.Range(0, 10_000).Select(_ => random.NextInt64(1, 1L << 45)).ToList();
            var rows = random.NextInt64(0, sizes.Sum());
            var shares = RowQuotas.Proportional(rows, sizes);
            Assert.Equal(rows, shares.Sum());
            Assert.All(shares.Zip(sizes), share => Assert.InRange(share.First, 0, share.Second));
        }
    }

    [Theory]
    [InlineData("""{"rows":50000,"replacement":true}""", 50_000)]
    [InlineData("""{"fraction":2.5,"replacement":true}""", 25_000)]
    [InlineData("""{"fraction":2.5,"columns":["g"],"replacement":true}""", 25_000)]
    public async Task With_replacement_copies_follow_each_other(string options, int rows)
    {
        using var fixture = new EngineFixture { Threads = 4 };
        var table = await fixture.QueryAsync("select i, i % 7 as g, 'x' || i as s from range(10000) r(i)");
        var sample = await Sample(fixture, options, table);
        var order = Longs(fixture, sample);
        Assert.Equal(rows, order.Count);
        Assert.Equal(order.Order(), order);

        // Of draws with replacement exp(-draws / rows) of the rows are drawn never.
        Assert.InRange(order.Distinct().Count() / 10_000.0, 1 - Math.Exp(-rows / 10_000.0) - 0.01, 1 - Math.Exp(-rows / 10_000.0) + 0.01);
        Assert.Equal("true", await fixture.ScalarAsync(sample, "bool_and(s = 'x' || i and g = i % 7)"));
        using var lease = fixture.Store.Get(sample);
        Assert.Equal(["i", "g", "s"], lease.Schema.FieldsList.Select(field => field.Name));
    }

    [Theory]
    [InlineData("""{"rows":50000,"seed":5}""")]
    [InlineData("""{"rows":50000,"seed":5,"columns":["g"]}""")]
    [InlineData("""{"rows":400000,"seed":5,"replacement":true}""")]
    public async Task Equal_inputs_give_equal_bytes_whatever_the_threads(string options)
    {
        async Task<(string?, List<long>)> Draw(int threads, string options)
        {
            using var fixture = new EngineFixture { Threads = threads };
            var sample = await Sample(fixture, options, await fixture.QueryAsync("select i, i % 11 as g, 'text ' || i as s, [i] as l from range(200000) r(i)"));
            return (sample.Checksum, Longs(fixture, sample));
        }

        var (checksum, rows) = await Draw(1, options);
        Assert.NotNull(checksum);
        Assert.Equal(checksum, (await Draw(1, options)).Item1);
        Assert.Equal(checksum, (await Draw(4, options)).Item1);
        Assert.NotEqual(rows, (await Draw(1, options.Replace("\"seed\":5", "\"seed\":6", StringComparison.Ordinal))).Item2);
    }

    [Fact]
    public async Task Small_tables_and_names_that_SQL_has_not_are_taken()
    {
        using var fixture = new EngineFixture();
        var none = await fixture.QueryAsync("select 1 as i where false");
        Assert.Equal(0, (await Sample(fixture, """{"fraction":0.5}""", none)).Rows);
        Assert.Equal(0, (await Sample(fixture, """{"rows":0,"replacement":true}""", none)).Rows);
        Assert.Equal(0, (await Sample(fixture, """{"rows":3,"columns":["i"],"allocation":"equal"}""", none)).Rows);

        string[] names = ["Class", "class", "", "a\0b", "gristmill_label", "c0", "it's \"so\"; --"];
        var schema = new Schema(names.Select(name => new Field(name, Int64Type.Default, true)), null);
        using var batch = new RecordBatch(schema, names.Select((_, i) => (IArrowArray)new Int64Array.Builder().Append(i).Build()), 1);
        using var writer = fixture.Store.Create(schema, 1 << 16);
        writer.Append(batch);
        var one = writer.Seal();
        foreach (var options in new[] { """{"rows":1,"columns":["class","a\u0000b"]}""", """{"rows":1,"replacement":true}""" })
        {
            using var lease = fixture.Store.Get(await Sample(fixture, options, one));
            Assert.Equal(names, lease.Schema.FieldsList.Select(field => field.Name));
            Assert.Equal(Enumerable.Range(0, 7).Select(i => (long?)i), Enumerable.Range(0, 7).Select(i => ((Int64Array)lease.Batches[0].Column(i)).GetValue(0)));
        }
    }

    [Fact]
    public async Task A_cancelled_sample_leaves_nothing()
    {
        using var fixture = new EngineFixture();
        var table = await fixture.QueryAsync("select i, 'a text that takes some room ' || i as s from range(2000000) r(i)");
        using var cancellation = new CancellationTokenSource();
        var running = fixture.RunAsync(StageOperations.SqlSample, """{"rows":1500000000,"replacement":true}""", new() { ["data"] = table }, cancellation.Token);
        cancellation.CancelAfter(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal([table.Id], fixture.Store.List().Select(item => item.Id));
    }

    [Theory]
    [InlineData("""{"rows":11}""", ErrorCodes.BadValue, "11 rows is asked for, and the table has 10")]
    [InlineData("""{"rows":4,"columns":["g","s"],"allocation":"equal"}""", ErrorCodes.BadValue, "the group g = 1, s = null has 3")]
    [InlineData("""{"rows":3000000000,"replacement":true}""", ErrorCodes.TooLarge, "3,000,000,000")]
    [InlineData("""{"fraction":1e300,"replacement":true}""", ErrorCodes.TooLarge, "the sample would have")]
    [InlineData("""{"rows":2000000000,"columns":["g"],"allocation":"equal","replacement":true}""", ErrorCodes.TooLarge, "4,000,000,000")]
    [InlineData("""{}""", ErrorCodes.Invalid, "rows")]
    [InlineData("""{"rows":1,"fraction":0.5}""", ErrorCodes.Invalid, "both")]
    [InlineData("""{"rows":-1}""", ErrorCodes.Invalid, "rows")]
    [InlineData("""{"fraction":1.01}""", ErrorCodes.Invalid, "fraction")]
    [InlineData("""{"fraction":-0.1,"replacement":true}""", ErrorCodes.Invalid, "fraction")]
    [InlineData("""{"rows":1,"allocation":"equal"}""", ErrorCodes.Invalid, "allocation")]
    [InlineData("""{"fraction":0.1,"columns":["g"],"allocation":"equal"}""", ErrorCodes.Invalid, "allocation")]
    [InlineData("""{"rows":1,"allocation":"neyman","columns":["g"]}""", ErrorCodes.Invalid, "allocation")]
    [InlineData("""{"rows":1,"columns":["G"]}""", ErrorCodes.UnknownColumn, "'G'")]
    [InlineData("""{"rows":1.5}""", ErrorCodes.Invalid, "rows")]
    public async Task What_cannot_be_drawn_is_refused_and_leaves_nothing(string options, string code, string named)
    {
        using var fixture = new EngineFixture();
        var table = await fixture.QueryAsync("select i, case when i < 7 then 0 else 1 end as g, null::varchar as s from range(10) r(i)");
        var error = await fixture.FailAsync(StageOperations.SqlSample, options, new() { ["data"] = table });
        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal([table.Id], fixture.Store.List().Select(item => item.Id));
    }

    [Fact]
    public async Task An_empty_table_has_no_rows_to_draw()
    {
        using var fixture = new EngineFixture();
        var error = await fixture.FailAsync(StageOperations.SqlSample, """{"rows":1,"replacement":true}""", new() { ["data"] = await fixture.QueryAsync("select 1 as i where false") });
        Assert.Equal(ErrorCodes.BadValue, error.Code);
    }

    private static async Task<ObjectRef> Sample(EngineFixture fixture, object options, ObjectRef table) =>
        (await fixture.RunAsync(StageOperations.SqlSample, options, new() { ["data"] = table })).Artifacts["out"].Dataset!;

    private static Task<string?> Counts(EngineFixture fixture, ObjectRef sample) =>
        fixture.ScalarAsync("select list([y, n::varchar] order by y nulls first)::varchar as x from (select y, count(*) as n from t group by y)", sample);

    private static List<long> Longs(EngineFixture fixture, ObjectRef table)
    {
        using var lease = fixture.Store.Get(table);
        return [.. lease.Batches.SelectMany(batch => ((Int64Array)batch.Column(0)).Values.ToArray())];
    }
}
