using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Gristmill.Objects.Statistics;

namespace Gristmill.Objects;

public sealed class StatisticsTests : IDisposable
{
    private readonly TestStore _test = new();

    public void Dispose() => _test.Dispose();

    [Fact]
    public void Numbers_are_described_as_plain_arithmetic_does()
    {
        var random = new Random(7);
        var values = Enumerable.Range(0, 50_000).Select(i => i % 50 == 0 ? (double?)null : Math.Round(random.NextDouble() * 1000, 1)).ToList();
        var present = values.Where(static value => value is not null).Select(static value => value!.Value).Order().ToList();

        var found = Describe(Batches("x", DoubleType.Default, values.Chunk(20_000).Select(Doubles)));

        Assert.Equal(50_000, found.Rows);
        var column = Assert.Single(found.Columns);
        Assert.Equal(("x", 1000, 0), (column.Name, column.Nulls, column.NotNumbers));
        Assert.Equal(present[0].ToString(CultureInfo.InvariantCulture), column.Min);
        Assert.Equal(present[^1].ToString(CultureInfo.InvariantCulture), column.Max);
        Assert.Equal(present.Average(), column.Mean!.Value, 9);
        Assert.Equal(Math.Sqrt(present.Average(value => Math.Pow(value - present.Average(), 2))), column.StandardDeviation!.Value, 6);
        double[] shares = [.01, .05, .25, .5, .75, .95, .99];
        Assert.All(shares.Zip(column.Quantiles!), pair => Assert.InRange(present.BinarySearch(pair.Second) is var at && at < 0 ? ~at / (double)present.Count : at / (double)present.Count, pair.First - .02, pair.First + .02));
        Assert.InRange(column.Distinct!.Value, present.Distinct().Count() * .95, present.Distinct().Count() * 1.05);
    }

    /// <summary>Sorted, reversed, periodic, all equal: no order of the values may fool the sketch.</summary>
    [Theory]
    [InlineData("rising")]
    [InlineData("falling")]
    [InlineData("periodic")]
    [InlineData("skewed")]
    public void Ranks_of_quantiles_are_within_a_share_of_all(string order)
    {
        const int Count = 1_000_000;
        var sketch = new QuantileSketch();
        var values = Enumerable.Range(0, Count).Select(i => order switch
        {
            "rising" => i,
            "falling" => Count - i,
            "periodic" => i % 1000 * 1000,
            _ => Math.Floor(1e6 * Math.Pow(i / (double)Count, 8)),
        }).ToArray();
        foreach (double value in values)
        {
            sketch.Add(value);
        }

        System.Array.Sort(values);
        double[] shares = [0, .001, .01, .1, .5, .9, .99, .999, 1];
        Assert.All(shares.Zip(sketch.Quantiles(shares)), pair =>
        {
            int low = System.Array.FindIndex(values, value => value >= pair.Second), high = System.Array.FindLastIndex(values, value => value <= pair.Second);
            Assert.True(low / (double)Count <= pair.First + .015 && high / (double)Count >= pair.First - .015, $"{pair.First}: {pair.Second} has ranks {low} to {high}");
        });
        Assert.All(new QuantileSketch().Quantiles(shares), value => Assert.True(double.IsNaN(value)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(5_000)]
    [InlineData(1_000_000)]
    public void Different_values_are_counted_within_five_percent(int count)
    {
        var counter = new HyperLogLog();
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < count; i++)
            {
                counter.Add(System.IO.Hashing.XxHash3.HashToUInt64(BitConverter.GetBytes(i)));
            }
        }

        Assert.InRange(counter.Estimate(), count * .95, count * 1.05);
    }

    [Fact]
    public void Frequent_values_are_found_among_many_rare_ones()
    {
        var frequent = new FrequentValues();
        var random = new Random(3);
        for (int i = 0; i < 200_000; i++)
        {
            int value = i % 10 == 0 ? 1 : i % 20 == 1 ? 2 : random.Next(1000, 1_000_000);
            frequent.Add((ulong)value, BitConverter.GetBytes(value), 1);
        }

        var top = frequent.Top(2);
        Assert.Equal([1, 2], top.Select(item => BitConverter.ToInt32(item.Value)));
        Assert.InRange(top[0].Count, 20_000 - 200_000 / 257, 20_000);
        Assert.InRange(top[1].Count, 10_000 - 200_000 / 257, 10_000);
    }

    [Fact]
    public void Texts_booleans_times_and_dictionaries_are_described_by_their_values()
    {
        string longText = new('ä', 40);
        var texts = new StringArray.Builder().Append("oak").AppendNull().Append("ash").Append("oak").Append(longText).Build();
        var booleans = new BooleanArray.Builder().Append(true).Append(true).AppendNull().Append(false).Append(true).Build();
        var days = new Date32Array.Builder().Append(new DateTime(2026, 1, 2)).Append(new DateTime(1969, 12, 31)).Append(new DateTime(2000, 2, 29)).Append(new DateTime(2026, 1, 2)).AppendNull().Build();
        var stamp = new TimestampType(TimeUnit.Millisecond, "UTC");
        var times = new TimestampArray(stamp, new Int64Array.Builder().Append(0).Append(1500).Append(long.MaxValue).Append(-1).Append(2).Build().Data.Buffers[1], ArrowBuffer.Empty, 5, 0, 0);
        var dictionary = new DictionaryArray(new DictionaryType(Int8Type.Default, StringType.Default, false), new Int8Array.Builder().Append(1).Append(1).Append(0).AppendNull().Append(1).Build(),
            new StringArray.Builder().Append("no").Append("yes").Append("never").Build());
        var nested = new ListArray.Builder(Int32Type.Default).AppendNull().AppendNull().AppendNull().AppendNull().AppendNull().Build();
        var schema = new Schema([new("t", StringType.Default, true), new("b", BooleanType.Default, true), new("d", Date32Type.Default, true), new("s", stamp, true),
            new("y", dictionary.Data.DataType, true), new("l", nested.Data.DataType, true)], null);

        var columns = Describe(schema, [new RecordBatch(schema, [texts, booleans, days, times, dictionary, nested], 5)]).Columns.ToDictionary(static column => column.Name);

        Assert.Equal(("ash", 1L, 3L), (columns["t"].Min, columns["t"].Nulls, columns["t"].Distinct));
        Assert.Equal(new string('ä', 32) + "…", columns["t"].Max);
        Assert.Equal(new ValueCount("oak", 2), columns["t"].Top![0]);
        Assert.Equal(("false", "true", 1L, .75, 2L), (columns["b"].Min, columns["b"].Max, columns["b"].Nulls, columns["b"].Mean, columns["b"].Distinct));
        Assert.Equal(("1969-12-31", "2026-01-02", 1L, null), (columns["d"].Min, columns["d"].Max, columns["d"].Nulls, columns["d"].Mean));
        Assert.Equal(new ValueCount("2026-01-02", 2), columns["d"].Top![0]);
        Assert.Equal(("1969-12-31T23:59:59.999Z", long.MaxValue.ToString(CultureInfo.InvariantCulture)), (columns["s"].Min, columns["s"].Max));
        Assert.Equal(("no", "yes", 1L, 2L), (columns["y"].Min, columns["y"].Max, columns["y"].Nulls, columns["y"].Distinct));
        Assert.Equal([new ValueCount("yes", 3), new ValueCount("no", 1)], columns["y"].Top!);
        Assert.Equal((null, 5L, null), (columns["l"].Min, columns["l"].Nulls, columns["l"].Distinct));
    }

    /// <summary>The second batch brings a dictionary of its own, whose indices mean other values.</summary>
    [Fact]
    public void Batches_with_dictionaries_of_their_own_are_described_by_their_values()
    {
        var type = new DictionaryType(Int32Type.Default, StringType.Default, false);
        var schema = new Schema([new Field("y", type, true)], null);
        RecordBatch Batch(params string[] values) => new(schema, [new DictionaryArray(type, new Int32Array.Builder().AppendRange(Enumerable.Range(0, values.Length)).Build(), new StringArray.Builder().AppendRange(values).Build())], values.Length);

        var column = Describe(schema, [Batch("a", "b"), Batch("b", "c", "d")]).Columns[0];

        Assert.Equal(("a", "d", 4L), (column.Min, column.Max, column.Distinct));
        Assert.Equal(new ValueCount("b", 2), column.Top![0]);
    }

    [Fact]
    public void What_is_no_number_or_infinite_is_kept_apart()
    {
        var column = Describe(Batches("x", DoubleType.Default, [Doubles([double.NaN, 1, double.PositiveInfinity, -0.0, 0.0, double.NaN])])).Columns[0];
        Assert.Equal((2L, "Infinity", 3L), (column.NotNumbers, column.Max, column.Distinct));
        Assert.Equal(double.PositiveInfinity, column.Mean);
    }

    [Fact]
    public async Task A_table_that_comes_in_is_described_and_one_that_a_stage_makes_is_not()
    {
        var (schema, batches) = Batches("x", DoubleType.Default, [Doubles([1, 2, null])]);
        var stream = new MemoryStream();
        using (var writer = new ArrowStreamWriter(stream, schema, leaveOpen: true))
        {
            await writer.WriteRecordBatchAsync(batches[0], TestContext.Current.CancellationToken);
            await writer.WriteEndAsync(TestContext.Current.CancellationToken);
        }

        stream.Position = 0;
        using var lease = _test.Store.Get(await _test.Store.ImportAsync(stream, 1 << 20, statistics: true, TestContext.Current.CancellationToken));
        Assert.Equal(("2", 1L), (lease.Statistics!.Columns[0].Max, lease.Statistics.Columns[0].Nulls));
        Assert.Equal(lease.Statistics.Rows, _test.Store.Describe(_test.Store.Find(lease.Ref.Id)!).Statistics!.Rows);

        using var own = _test.Store.Create(schema);
        own.Append(batches[0]);
        using var made = _test.Store.Get(own.Seal());
        Assert.Null(made.Statistics);
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var late = _test.Store.Create(schema);
            late.Append(batches[0]);
            late.CollectStatistics();
        });
    }

    [Fact]
    public void Every_type_and_an_empty_table_can_be_described()
    {
        var arrays = TestArrays.All();
        var schema = new Schema(arrays.Select(static array => new Field(array.Key, array.Value.Data.DataType, true)), null);
        var found = Describe(schema, [new RecordBatch(schema, arrays.Values, arrays.Values.First().Length)]);
        Assert.Equal(arrays.Count, found.Columns.Count);
        Assert.All(found.Columns.Zip(arrays.Values), pair => Assert.Equal(pair.Second is UnionArray or NullArray ? pair.First.Nulls : pair.Second.NullCount, pair.First.Nulls));
        Assert.All(Describe(schema, []).Columns, static column => Assert.Null(column.Min));
    }

    private TableStatistics Describe((Schema Schema, IReadOnlyList<RecordBatch> Batches) table) => Describe(table.Schema, table.Batches);

    private TableStatistics Describe(Schema schema, IReadOnlyList<RecordBatch> batches)
    {
        using var writer = _test.Store.Create(schema);
        writer.CollectStatistics();
        foreach (var batch in batches)
        {
            writer.Append(batch);
        }

        using var lease = _test.Store.Get(writer.Seal());
        lease.Verify();
        return lease.Statistics!;
    }

    private static (Schema Schema, IReadOnlyList<RecordBatch> Batches) Batches(string name, IArrowType type, IEnumerable<IArrowArray> arrays)
    {
        var schema = new Schema([new Field(name, type, true)], null);
        return (schema, [.. arrays.Select(array => new RecordBatch(schema, [array], array.Length))]);
    }

    private static DoubleArray Doubles(IEnumerable<double?> values)
    {
        var builder = new DoubleArray.Builder();
        foreach (var value in values)
        {
            builder.Append(value);
        }

        return builder.Build();
    }
}
