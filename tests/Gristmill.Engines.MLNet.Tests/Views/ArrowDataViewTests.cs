using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

[Collection("LightGBM")]
public sealed class ArrowDataViewTests : IDisposable
{
    private readonly StageHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public unsafe void Numbers_are_read_where_they_lie()
    {
        var batch = TestTables.Of(
            ("i8", new Int8Array.Builder().Append(-1).Append(2).Build()), ("u8", new UInt8Array.Builder().Append(1).Append(2).Build()),
            ("i16", new Int16Array.Builder().Append(-3).Append(2).Build()), ("u16", new UInt16Array.Builder().Append(3).Append(2).Build()),
            ("i32", new Int32Array.Builder().Append(-5).Append(2).Build()), ("u32", new UInt32Array.Builder().Append(5).Append(2).Build()),
            ("i64", new Int64Array.Builder().Append(-7).Append(2).Build()), ("u64", new UInt64Array.Builder().Append(7).Append(2).Build()),
            ("f32", new FloatArray.Builder().Append(1.5f).Append(2).Build()), ("f64", new DoubleArray.Builder().Append(2.5).Append(2).Build()),
            ("bit", new BooleanArray.Builder().Append(true).Append(false).Build()));
        using var lease = _host.Objects.Get(_host.Put(batch, batch));
        var before = CopyCounter.Total;
        using (var view = ArrowDataView.Open(lease))
        using (var cursor = (ArrowCursor)view.GetRowCursor(view.Schema))
        {
            Assert.Equal(
                [NumberDataViewType.SByte, NumberDataViewType.Byte, NumberDataViewType.Int16, NumberDataViewType.UInt16, NumberDataViewType.Int32,
                    NumberDataViewType.UInt32, NumberDataViewType.Int64, NumberDataViewType.UInt64, NumberDataViewType.Single, NumberDataViewType.Double,
                    (DataViewType)BooleanDataViewType.Instance],
                view.Schema.Select(c => c.Type));
            var rows = 0;
            while (cursor.MoveNext())
            {
                Assert.All(cursor.Readers, r => Assert.True(r!.LiesIn((address, bytes) => lease.Owns(new ReadOnlySpan<byte>((void*)address, bytes)))));
                if (rows++ % 2 == 0)
                {
                    Assert.Equal(-1, Value<sbyte>(cursor, "i8"));
                    Assert.Equal(3, Value<ushort>(cursor, "u16"));
                    Assert.Equal(-5, Value<int>(cursor, "i32"));
                    Assert.Equal(-7, Value<long>(cursor, "i64"));
                    Assert.Equal(7UL, Value<ulong>(cursor, "u64"));
                    Assert.Equal(1.5f, Value<float>(cursor, "f32"));
                    Assert.Equal(2.5, Value<double>(cursor, "f64"));
                    Assert.True(Value<bool>(cursor, "bit"));
                }
            }

            Assert.Equal(4, rows);
            Assert.Equal(4, view.GetRowCount());
        }

        Assert.Equal(before, CopyCounter.Total);
    }

    [Fact]
    public void Nulls_are_missing_values()
    {
        var batch = TestTables.Of(
            ("f", new FloatArray.Builder().Append(1).AppendNull().Build()), ("i", new Int32Array.Builder().Append(1).AppendNull().Build()),
            ("s", new StringArray.Builder().Append("x").AppendNull().Build()), ("b", new BooleanArray.Builder().Append(true).AppendNull().Build()));
        using var view = ArrowDataView.Of(batch);
        Assert.Equal(NumberDataViewType.Double, view.Schema["i"].Type);
        using var cursor = view.GetRowCursor(view.Schema);
        Assert.True(cursor.MoveNext());
        Assert.Equal((1f, 1d, "x", 1f), (Value<float>(cursor, "f"), Value<double>(cursor, "i"), Text(cursor, "s"), Value<float>(cursor, "b")));
        Assert.True(cursor.MoveNext());
        Assert.True(float.IsNaN(Value<float>(cursor, "f")) && double.IsNaN(Value<double>(cursor, "i")) && float.IsNaN(Value<float>(cursor, "b")));
        Assert.Equal("", Text(cursor, "s"));
    }

    [Fact]
    public void Text_is_decoded_once_a_value_and_counted()
    {
        var values = new StringArray.Builder();
        for (var i = 0; i < 1_000; i++)
        {
            values.Append(i % 2 == 0 ? "größe" : "mass");
        }

        using var lease = _host.Objects.Get(_host.Put(TestTables.Of(("text", values.Build()))));
        var before = CopyCounter.Total;
        using (var view = ArrowDataView.Open(lease))
        using (var cursor = view.GetRowCursor(view.Schema))
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal("größe", Text(cursor, "text"));
            var get = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["text"]);
            ReadOnlyMemory<char> value = default;
            while (cursor.MoveNext())
            {
                get(ref value);
            }

            Assert.Equal("mass", value.ToString());
        }

        Assert.Equal(7 + 4, CopyCounter.Total - before);
    }

    [Fact]
    public void Instants_keep_their_time()
    {
        var instant = new DateTimeOffset(2001, 4, 1, 13, 30, 15, 250, TimeSpan.Zero);
        var batch = TestTables.Of(
            ("zoned", new TimestampArray.Builder(new TimestampType(TimeUnit.Microsecond, "UTC")).Append(instant).Build()),
            ("local", new TimestampArray.Builder(new TimestampType(TimeUnit.Nanosecond, (string?)null)).Append(instant).Build()),
            ("day", new Date32Array.Builder().Append(instant.DateTime.Date).Build()),
            ("old", new TimestampArray.Builder(new TimestampType(TimeUnit.Second, (string?)null)).Append(new DateTimeOffset(1905, 2, 3, 4, 5, 6, TimeSpan.Zero)).Build()));
        using var view = ArrowDataView.Of(batch);
        using var cursor = view.GetRowCursor(view.Schema);
        Assert.True(cursor.MoveNext());
        Assert.Equal(instant, Value<DateTimeOffset>(cursor, "zoned"));
        Assert.Equal(instant.DateTime, Value<DateTime>(cursor, "local"));
        Assert.Equal(instant.DateTime.Date, Value<DateTime>(cursor, "day"));
        Assert.Equal(new DateTime(1905, 2, 3, 4, 5, 6), Value<DateTime>(cursor, "old"));
    }

    [Fact]
    public void Lists_are_vectors()
    {
        var items = new FloatArray.Builder().AppendRange([1, 2, 3, 4, 5, 6]).Build();
        var field = new Field("item", FloatType.Default, false);
        var fixedList = new FixedSizeListArray(new FixedSizeListType(field, 2), 3, items, ArrowBuffer.Empty, 0, 0);
        var list = new ListArray.Builder(Int32Type.Default);
        foreach (var row in new int[][] { [7], [], [8, 9] })
        {
            list.Append();
            ((Int32Array.Builder)list.ValueBuilder).AppendRange(row);
        }

        using var view = ArrowDataView.Of(TestTables.Of(("pair", fixedList), ("many", list.Build())));
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 2), view.Schema["pair"].Type);
        using var cursor = view.GetRowCursor(view.Schema);
        var rows = new List<(float[], int[])>();
        while (cursor.MoveNext())
        {
            rows.Add((Value<VBuffer<float>>(cursor, "pair").DenseValues().ToArray(), Value<VBuffer<int>>(cursor, "many").DenseValues().ToArray()));
        }

        Assert.Equal([[1, 2], [3, 4], [5, 6]], rows.Select(r => r.Item1));
        Assert.Equal([[7], [], [8, 9]], rows.Select(r => r.Item2));
    }

    [Fact]
    public void Slices_start_where_they_start()
    {
        var batch = TestTables.Trees(100, 1).Slice(37, 20);
        using var view = ArrowDataView.Of(batch);
        using var cursor = view.GetRowCursor(view.Schema);
        for (var i = 0; i < 20; i++)
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(((DoubleArray)batch.Column("height")).GetValue(i), Value<double>(cursor, "height"));
            Assert.Equal(((BooleanArray)batch.Column("tall")).GetValue(i), Value<bool>(cursor, "tall"));
            Assert.Equal(((StringArray)batch.Column("kind")).GetString(i), Text(cursor, "kind"));
            Assert.Equal(((Int32Array)batch.Column("age")).GetValue(i) ?? double.NaN, Convert.ToDouble(Boxed(cursor, "age"), null));
        }

        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void Dictionaries_are_keys_or_text_over_all_batches()
    {
        static RecordBatch Batch(int[] codes, params string[] values) => TestTables.Of(("c", new DictionaryArray(
            new DictionaryType(Int32Type.Default, StringType.Default, false),
            new Int32Array.Builder().AppendRange(codes).Build(), new StringArray.Builder().AppendRange(values).Build())));

        using var view = ArrowDataView.Of(Batch([1, 0, 1], "ash", "fir"));
        Assert.Equal(new KeyDataViewType(typeof(uint), 2), view.Schema["c"].Type);
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["c"].Annotations.GetValue("KeyValues", ref names);
        Assert.Equal(["ash", "fir"], names.DenseValues().Select(n => n.ToString()));
        Assert.Equal([2, 1, 2], view.GetColumn<uint>("c").Select(k => (int)k));

        using var text = ArrowDataView.Of(Batch([1, 0], "ash", "fir"),
            new Dictionary<string, DataViewType> { ["c"] = TextDataViewType.Instance });
        Assert.Equal(["fir", "ash"], text.GetColumn<ReadOnlyMemory<char>>("c").Select(t => t.ToString()));
    }

    [Fact]
    public void Cursor_sets_deal_every_row_once_in_ordered_batches()
    {
        using var lease = _host.Objects.Get(_host.Put(TestTables.Trees(9_000, 1), TestTables.Trees(5_000, 2)));
        using var view = ArrowDataView.Open(lease);
        var cursors = view.GetRowCursorSet(view.Schema, 3);
        Assert.Equal(3, cursors.Length);
        var seen = new List<(long Batch, ulong Id, double Height)>();
        foreach (var cursor in cursors)
        {
            using (cursor)
            {
                var id = cursor.GetIdGetter();
                var height = cursor.GetGetter<double>(view.Schema["height"]);
                long last = -1;
                while (cursor.MoveNext())
                {
                    DataViewRowId row = default;
                    double value = 0;
                    id(ref row);
                    height(ref value);
                    Assert.True(cursor.Batch >= last);
                    last = cursor.Batch;
                    seen.Add((cursor.Batch, row.Low, value));
                }
            }
        }

        Assert.Equal(Enumerable.Range(0, 14_000).Select(i => (ulong)i), seen.Select(s => s.Id).Order());
        Assert.Equal(view.GetColumn<double>("height"), seen.OrderBy(s => s.Batch).ThenBy(s => s.Id).Select(s => s.Height));
    }

    [Fact]
    public void Memory_lives_as_long_as_a_cursor()
    {
        var lease = _host.Objects.Get(_host.Put(TestTables.Trees(10_000, 1)));
        var view = ArrowDataView.Open(lease);
        var cursor = view.GetRowCursor(view.Schema);
        _host.Objects.Delete(lease.Ref.Id);
        lease.Dispose();
        view.Dispose();
        double sum = 0;
        while (cursor.MoveNext())
        {
            sum += Value<double>(cursor, "height");
        }

        cursor.Dispose();
        Assert.InRange(sum, 140_000, 160_000);
        Assert.Throws<ObjectDisposedException>(() => view.GetRowCursor(view.Schema));
    }

    [Fact]
    public void What_MLNet_cannot_see_is_named()
    {
        var error = Assert.Throws<GristmillException>(() => ArrowDataView.Of(TestTables.Trees(3, 1),
            new Dictionary<string, DataViewType> { ["kind"] = NumberDataViewType.Single }));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
        Assert.Equal("kind", error.Error.Details["column"]);
    }

    [Fact]
    public void Estimators_run_over_it()
    {
        using var lease = _host.Objects.Get(_host.Put(TestTables.Trees(2_000, 1)));
        using var view = ArrowDataView.Open(lease);
        var ml = new MLContext(1);
        var chain = ml.Transforms.ReplaceMissingValues("age").Append(ml.Transforms.Conversion.ConvertType("age2", "age"))
            .Append(ml.Transforms.Categorical.OneHotEncoding("kind1", "kind"))
            .Append(ml.Transforms.Conversion.ConvertType("h", "height"))
            .Append(ml.Transforms.Concatenate("Features", "age2", "kind1", "h"))
            .Append(ml.BinaryClassification.Trainers.FastTree("tall", "Features", numberOfTrees: 20));
        var metrics = ml.BinaryClassification.Evaluate(chain.Fit(view).Transform(view), "tall");
        Assert.True(metrics.AreaUnderRocCurve > 0.95);
    }

    private static T Value<T>(DataViewRow row, string column)
    {
        T value = default!;
        row.GetGetter<T>(row.Schema[column])(ref value);
        return value;
    }

    private static string Text(DataViewRow row, string column) => Value<ReadOnlyMemory<char>>(row, column).ToString();

    private static object Boxed(DataViewRow row, string column) =>
        row.Schema[column].Type == NumberDataViewType.Int32 ? Value<int>(row, column) : Value<double>(row, column);
}
