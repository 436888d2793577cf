using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Tests.Sampling;

public sealed class ShuffleOperationTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(2048)]
    [InlineData(300_001)]
    public async Task Each_row_is_there_once(int rows)
    {
        using var fixture = new EngineFixture();
        var table = await fixture.QueryAsync($"select i from range({rows}) r(i)");
        foreach (var seed in new[] { 0L, 1, -1, long.MaxValue })
        {
            var order = Longs(fixture, await Shuffle(fixture, table, seed));
            Assert.Equal(Enumerable.Range(0, rows).Select(i => (long)i), order.Order());
            Assert.True(rows < 100 || !order.SequenceEqual(order.Order()));
        }
    }

    [Fact]
    public async Task The_order_depends_on_seed_and_number_of_rows_alone()
    {
        using var one = new EngineFixture { Threads = 1 };
        using var four = new EngineFixture { Threads = 4 };
        const string Query = "select i, 'text ' || i as s, [i, i + 1] as l from range(250000) r(i)";
        var first = await Shuffle(one, await one.QueryAsync(Query), 7);
        var second = await Shuffle(four, await four.QueryAsync(Query), 7);
        Assert.NotNull(first.Checksum);
        Assert.Equal(first.Checksum, second.Checksum);
        Assert.Equal(first.Checksum, (await Shuffle(one, await one.QueryAsync(Query), 7)).Checksum);
        Assert.NotEqual(Longs(one, first), Longs(one, await Shuffle(one, await one.QueryAsync(Query), 8)));
        Assert.Equal(Longs(one, first), Longs(one, await Shuffle(one, await one.QueryAsync("select 249999 - i as j from range(250000) r(i)"), 7)).Select(j => 249_999 - j));
    }

    [Fact]
    public async Task All_orders_are_as_likely()
    {
        using var fixture = new EngineFixture();
        var order = Longs(fixture, await Shuffle(fixture, await fixture.QueryAsync("select i from range(48000) r(i)"), 1));
        var place = new int[order.Count];
        for (var i = 0; i < place.Length; i++)
        {
            place[order[i]] = i;
        }

        // Neighbours in the table, four by four: 24 orders, 500 times each but for chance. Chi squared of 23 degrees is above 58 once in 10,000 times; the seed is fixed.
        var orders = Enumerable.Range(0, 12_000).CountBy(four => string.Join(' ', Enumerable.Range(0, 4).OrderBy(i => place[(4 * four) + i]))).Select(group => group.Value).ToList();
        Assert.Equal(24, orders.Count);
        Assert.InRange(orders.Sum(count => (count - 500.0) * (count - 500) / 500), 0, 58);

        // Each tenth of the table goes to each tenth of the result: chi squared of 81 degrees.
        var tenths = Enumerable.Range(0, 48_000).CountBy(row => (row / 4800, place[row] / 4800)).Select(group => group.Value).ToList();
        Assert.Equal(100, tenths.Count);
        Assert.InRange(tenths.Sum(count => (count - 480.0) * (count - 480) / 480), 0, 135);
    }

    [Fact]
    public async Task Rows_stay_whole_with_nested_and_dictionary_columns_and_nulls()
    {
        using var fixture = new EngineFixture();
        var table = await fixture.QueryAsync("""
            select i, case when i % 5 > 0 then ['x' || i, null] end as l, {'a': i, 'b': {'c': [i]}} as s, case when i % 3 > 0 then 'e' || (i % 3) end::enum('e1', 'e2') as e,
                map {'n': i} as m, [i, i + 1]::bigint[2] as f, case when i % 7 > 0 then ('\x00' || i)::blob end as b
            from range(100000) r(i)
            """);
        var shuffled = await Shuffle(fixture, table, 3);
        Assert.Equal("true", await fixture.ScalarAsync(shuffled, """
            count(distinct i) = 100000 and bool_and(l is not distinct from case when i % 5 > 0 then ['x' || i, null] end and s.a = i and s.b.c = [i]
                and e is not distinct from case when i % 3 > 0 then 'e' || (i % 3) end and m['n'] = i and f[2] = i + 1 and b is not distinct from case when i % 7 > 0 then ('\x00' || i)::blob end)
            """));
    }

    [Fact]
    public async Task Names_that_SQL_has_not_are_kept()
    {
        using var fixture = new EngineFixture();
        string[] names = ["Class", "class", "", "a\0b", "gristmill_label", "c0", "it's \"so\"; --"];
        var schema = new Schema(names.Select(name => new Field(name, Int64Type.Default, true)), null);
        using var batch = new RecordBatch(schema, names.Select((_, i) => (IArrowArray)new Int64Array.Builder().AppendRange([i, i + 10, i + 20]).Build()), 3);
        using var writer = fixture.Store.Create(schema, 1 << 16);
        writer.Append(batch);
        using var lease = fixture.Store.Get(await Shuffle(fixture, writer.Seal(), 1));
        Assert.Equal(names, lease.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal([0, 10, 20], ((Int64Array)lease.Batches[0].Column(0)).Values.ToArray().Order());
        Assert.All(Enumerable.Range(0, 3), row => Assert.Equal(
            Enumerable.Range(0, 7).Select(i => i + ((Int64Array)lease.Batches[0].Column(0)).GetValue(row)), Enumerable.Range(0, 7).Select(i => ((Int64Array)lease.Batches[0].Column(i)).GetValue(row))));
    }

    [Fact]
    public async Task What_does_not_fit_in_memory_is_spilled_and_removed()
    {
        using var fixture = new EngineFixture { Limits = new StageLimits { MemoryMiB = 80 } };
        var table = await fixture.QueryAsync("select i, 'a text that takes some room ' || i as s from range(1500000) r(i)");
        var shuffled = await Shuffle(fixture, table, 5);
        Assert.Equal("true", await fixture.ScalarAsync(shuffled, "count(distinct i) = 1500000 and bool_and(s = 'a text that takes some room ' || i)"));
        Assert.Empty(Directory.GetDirectories(fixture.Folder, "gristmill-sql-*"));
    }

    [Fact]
    public async Task A_cancelled_shuffle_leaves_nothing()
    {
        using var fixture = new EngineFixture();
        var table = await fixture.QueryAsync("select i, 'a text that takes some room ' || i as s from range(3000000) r(i)");
        using var cancellation = new CancellationTokenSource();
        var running = fixture.RunAsync(StageOperations.SqlShuffle, "{}", new() { ["data"] = table }, cancellation.Token);
        cancellation.CancelAfter(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal([table.Id], fixture.Store.List().Select(item => item.Id));
        Assert.Empty(Directory.GetDirectories(fixture.Folder, "gristmill-sql-*"));
    }

    [Theory]
    [InlineData("""{"seed":"x"}""", "seed")]
    [InlineData("""{"seeds":1}""", "seeds")]
    public async Task Options_that_it_has_not_are_refused(string options, string named)
    {
        using var fixture = new EngineFixture();
        var error = await fixture.FailAsync(StageOperations.SqlShuffle, options, new() { ["data"] = await fixture.QueryAsync("select 1 as i") });
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static async Task<ObjectRef> Shuffle(EngineFixture fixture, ObjectRef table, long seed) =>
        (await fixture.RunAsync(StageOperations.SqlShuffle, new { seed }, new() { ["data"] = table })).Artifacts["out"].Dataset!;

    private static List<long> Longs(EngineFixture fixture, ObjectRef table)
    {
        using var lease = fixture.Store.Get(table);
        return [.. lease.Batches.SelectMany(batch => ((Int64Array)batch.Column(0)).Values.ToArray())];
    }
}
