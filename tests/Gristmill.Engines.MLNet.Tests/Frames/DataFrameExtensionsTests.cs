using Apache.Arrow;
using Apache.Arrow.Types;
using Microsoft.Data.Analysis;

namespace Gristmill.Engines.MLNet;

[Collection("LightGBM")]
public sealed class DataFrameExtensionsTests : IDisposable
{
    private readonly StageHost _host = new();

    public void Dispose()
    {
        Assert.Equal(0, _host.Objects.LiveLeases);
        _host.Dispose();
    }

    [Fact]
    public void All_types_that_both_know_come_in_with_nulls_and_go_back_the_same()
    {
        var batch = TestTables.Of(
            ("i8", new Int8Array.Builder().Append(-1).AppendNull().Append(3).Build()), ("u8", new UInt8Array.Builder().Append(1).AppendNull().Append(3).Build()),
            ("i16", new Int16Array.Builder().Append(-1).AppendNull().Append(3).Build()), ("u16", new UInt16Array.Builder().Append(1).AppendNull().Append(3).Build()),
            ("i32", new Int32Array.Builder().Append(-1).AppendNull().Append(3).Build()), ("u32", new UInt32Array.Builder().Append(1).AppendNull().Append(3).Build()),
            ("i64", new Int64Array.Builder().Append(-1).AppendNull().Append(3).Build()), ("u64", new UInt64Array.Builder().Append(1).AppendNull().Append(3).Build()),
            ("f32", new FloatArray.Builder().Append(-1.5f).AppendNull().Append(3).Build()), ("f64", new DoubleArray.Builder().Append(-1.5).AppendNull().Append(3).Build()),
            ("bit", new BooleanArray.Builder().Append(true).AppendNull().Append(false).Build()),
            ("text", new StringArray.Builder().Append("é").AppendNull().Append("").Build()),
            ("time", new TimestampArray.Builder(new TimestampType(TimeUnit.Microsecond, (string?)null)).Append(DateTimeOffset.UnixEpoch.AddTicks(-10)).AppendNull().Append(DateTimeOffset.UnixEpoch.AddDays(3)).Build()),
            ("money", new Decimal128Array.Builder(new Decimal128Type(38, 2)).Append(-1.25m).AppendNull().Append(3m).Build()));
        using var lease = _host.Objects.Get(_host.Put(batch, batch));

        var frame = lease.ToDataFrame();

        Assert.Equal(6, frame.Rows.Count);
        Assert.Equal(
            [typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(float), typeof(double), typeof(bool), typeof(string),
                typeof(DateTime), typeof(decimal)],
            frame.Columns.Select(c => c.DataType));
        Assert.All(frame.Columns, c => Assert.Equal(2, c.NullCount));
        Assert.All(frame.Columns, c => Assert.Null(c[4]));
        Assert.Equal([(sbyte)-1, (byte)1, (short)-1, (ushort)1, -1, 1u, -1L, 1ul, -1.5f, -1.5, true, "é", DateTime.UnixEpoch.AddTicks(-10), -1.25m], frame.Rows[3]);

        using var back = _host.Objects.Get(_host.Objects.Put(frame));
        Assert.Equal(lease.Schema.FieldsList.Select(f => (f.Name, f.DataType.TypeId)), back.Schema.FieldsList.Select(f => (f.Name, f.DataType.TypeId)));
        Assert.Equal("Microsecond", ((TimestampType)back.Schema.FieldsList[12].DataType).Unit.ToString());
        var again = back.ToDataFrame();
        for (var row = 0; row < 6; row++)
        {
            Assert.Equal(frame.Rows[row], again.Rows[row]);
        }
    }

    [Fact]
    public void A_frame_may_be_changed_and_outlives_its_object()
    {
        DataFrame frame;
        using (var lease = _host.Objects.Get(_host.Put(TestTables.Of(("x", new Int32Array.Builder().Append(1).Append(2).Build()), ("y", new Int32Array.Builder().Append(3).Append(4).Build())))))
        {
            frame = lease.ToDataFrame(["y", "x"]);
        }

        frame["x"][0] = 10;
        frame["y"][1] = null;
        frame["sum"] = frame["x"] + frame["y"];

        using var back = _host.Objects.Get(_host.Objects.Put(frame));
        Assert.Equal(["y", "x", "sum"], back.Schema.FieldsList.Select(f => f.Name));
        Assert.Equal([10, 2], ((Int32Array)back.Batches[0].Column(1)).Values.ToArray());
        Assert.True(back.Batches[0].Column(0).IsNull(1));
        Assert.True(back.Batches[0].Column(2).IsNull(1));
    }

    [Fact]
    public void Slices_dates_halves_and_dictionaries_are_read()
    {
        var words = new DictionaryArray(new DictionaryType(Int32Type.Default, StringType.Default, false),
            new Int32Array.Builder().Append(1).AppendNull().Append(0).Build(), new StringArray.Builder().Append("a").Append("b").Build());
        var batch = TestTables.Of(
            ("n", new Int64Array.Builder().Append(1).AppendNull().Append(3).Build()),
            ("half", new HalfFloatArray.Builder().Append((Half)1.5f).AppendNull().Append((Half)2).Build()),
            ("day", new Date32Array.Builder().Append(DateTime.UnixEpoch.AddDays(-1)).AppendNull().Append(DateTime.UnixEpoch).Build()),
            ("word", words)).Slice(1, 2);

        var frame = new[] { batch }.ToDataFrame(batch.Schema);

        Assert.Equal([null, null, null, null], frame.Rows[0]);
        Assert.Equal([3L, 2f, DateTime.UnixEpoch, "a"], frame.Rows[1]);
    }

    [Fact]
    public void An_empty_table_keeps_its_columns()
    {
        using var writer = _host.Objects.Create(new Schema([new Field("x", Int32Type.Default, true), new Field("s", StringType.Default, true)], null));
        using var lease = _host.Objects.Get(writer.Seal());
        var frame = lease.ToDataFrame();
        Assert.Equal((0, 2), (frame.Rows.Count, frame.Columns.Count));
        using var back = _host.Objects.Get(_host.Objects.Put(frame));
        Assert.Equal(["x", "s"], back.Schema.FieldsList.Select(f => f.Name));
    }

    [Fact]
    public void What_one_of_them_does_not_have_is_refused_by_name_and_leaves_nothing()
    {
        var batch = TestTables.Of(("raw", new BinaryArray.Builder().Append([1]).Build()), ("late", new TimestampArray.Builder(TimeUnit.Second).Append(DateTimeOffset.UnixEpoch).Build()));
        var far = TestTables.Of(("far", new TimestampArray(new ArrayData(new TimestampType(TimeUnit.Second, (string?)null), 1, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer.Builder<long>().Append(long.MaxValue).Build()]))));
        Refused(ErrorCodes.TypeMismatch, "'raw'", () => new[] { batch }.ToDataFrame(batch.Schema));
        Refused(ErrorCodes.UnknownColumn, "'none'", () => new[] { batch }.ToDataFrame(batch.Schema, ["none"]));
        Refused(ErrorCodes.BadValue, "'far'", () => new[] { far }.ToDataFrame(far.Schema));
        Refused(ErrorCodes.TypeMismatch, "'c'", () => _host.Objects.Put(new DataFrame(new CharDataFrameColumn("c", ['x']))));
        Refused(ErrorCodes.BadValue, "'d'", () => _host.Objects.Put(new DataFrame(new DecimalDataFrameColumn("d", [decimal.MaxValue, 1e-28m]))));
        Assert.Empty(_host.Objects.List());

        static void Refused(string code, string name, Func<object> call)
        {
            var error = Assert.Throws<GristmillException>(call);
            Assert.Equal(code, error.Code);
            Assert.Contains(name, error.Message);
        }
    }
}
