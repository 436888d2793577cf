using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Tests.Interop;

/// <summary>Arrays of every type that SQL reads, each with what DuckDB prints of them. Every seventh row is null.</summary>
internal static class ScanTypes
{
    public const int Rows = 5003;

    public static bool IsNull(int row) => row % 7 == 3;

    public static IEnumerable<(string Name, IArrowArray Array, Func<int, string> Text)> All()
    {
        yield return ("int8", Build(new Int8Array.Builder(), (b, i) => b.Append((sbyte)i), b => b.AppendNull(), b => b.Build()), i => Str((sbyte)i));
        yield return ("int16", Build(new Int16Array.Builder(), (b, i) => b.Append((short)-i), b => b.AppendNull(), b => b.Build()), i => Str((short)-i));
        yield return ("int32", Build(new Int32Array.Builder(), (b, i) => b.Append(i * 7919), b => b.AppendNull(), b => b.Build()), i => Str(i * 7919));
        yield return ("int64", Build(new Int64Array.Builder(), (b, i) => b.Append(i * 7919_000_000L), b => b.AppendNull(), b => b.Build()), i => Str(i * 7919_000_000L));
        yield return ("uint8", Build(new UInt8Array.Builder(), (b, i) => b.Append((byte)i), b => b.AppendNull(), b => b.Build()), i => Str((byte)i));
        yield return ("uint16", Build(new UInt16Array.Builder(), (b, i) => b.Append((ushort)(i * 13)), b => b.AppendNull(), b => b.Build()), i => Str((ushort)(i * 13)));
        yield return ("uint32", Build(new UInt32Array.Builder(), (b, i) => b.Append(uint.MaxValue - (uint)i), b => b.AppendNull(), b => b.Build()), i => Str(uint.MaxValue - (uint)i));
        yield return ("uint64", Build(new UInt64Array.Builder(), (b, i) => b.Append(ulong.MaxValue - (ulong)i), b => b.AppendNull(), b => b.Build()), i => Str(ulong.MaxValue - (ulong)i));
        yield return ("float", Build(new FloatArray.Builder(), (b, i) => b.Append(i + 0.5f), b => b.AppendNull(), b => b.Build()), i => Str(i + 0.5f));
        yield return ("double", Build(new DoubleArray.Builder(), (b, i) => b.Append(i - 0.25), b => b.AppendNull(), b => b.Build()), i => Str(i - 0.25));
        yield return ("boolean", Build(new BooleanArray.Builder(), (b, i) => b.Append(i % 3 == 0), b => b.AppendNull(), b => b.Build()), i => i % 3 == 0 ? "true" : "false");
        yield return ("string", Build(new StringArray.Builder(), (b, i) => b.Append(Word(i)), b => b.AppendNull(), b => b.Build()), Word);
        yield return ("binary", Build(new BinaryArray.Builder(), (b, i) => b.Append(System.Text.Encoding.ASCII.GetBytes(Word(i).Replace("é", "e")).AsEnumerable()), b => b.AppendNull(), b => b.Build()), i => Word(i).Replace("é", "e"));
        yield return ("date32", Build(new Date32Array.Builder(), (b, i) => b.Append(new DateOnly(1999, 12, 30).AddDays(i)), b => b.AppendNull(), b => b.Build()), i => new DateOnly(1999, 12, 30).AddDays(i).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        yield return ("date64", Build(new Date64Array.Builder(), (b, i) => b.Append(new DateOnly(1969, 12, 30).AddDays(i)), b => b.AppendNull(), b => b.Build()), i => new DateOnly(1969, 12, 30).AddDays(i).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        yield return ("decimal4", Dec(4, 1, i => (i % 1000) - 500.5m), i => Str((i % 1000) - 500.5m));
        yield return ("decimal9", Dec(9, 2, i => i + 0.25m), i => Str(i + 0.25m));
        yield return ("decimal18", Dec(18, 3, i => (i * 100000m) - 0.125m), i => Str((i * 100000m) - 0.125m));
        yield return ("decimal38", Dec(38, 2, i => (i * 100000000000000000000m) - 0.12m), i => Str((i * 100000000000000000000m) - 0.12m));
        foreach (var unit in new[] { TimeUnit.Second, TimeUnit.Millisecond, TimeUnit.Microsecond, TimeUnit.Nanosecond })
        {
            yield return ($"timestamp_{unit}", Build(new TimestampArray.Builder(unit), (b, i) => b.Append(Instant(i)), b => b.AppendNull(), b => b.Build()), i => Instant(i).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
        }

        yield return ("time_s", Build(new Time32Array.Builder(TimeUnit.Second), (b, i) => b.Append(i), b => b.AppendNull(), b => b.Build()), i => TimeOnly.MinValue.Add(TimeSpan.FromSeconds(i)).ToString("HH:mm:ss", CultureInfo.InvariantCulture));
        yield return ("time_us", Build(new Time64Array.Builder(TimeUnit.Microsecond), (b, i) => b.Append(i * 1_000_000L), b => b.AppendNull(), b => b.Build()), i => TimeOnly.MinValue.Add(TimeSpan.FromSeconds(i)).ToString("HH:mm:ss", CultureInfo.InvariantCulture));
        yield return ("dictionary", Dictionary(i => i % 5), i => new[] { "zero", "one", "two", "a longer third value", "" }[i % 5]);
        yield return ("list", List(), i => $"[{string.Join(", ", Enumerable.Range(0, i % 4).Select(k => k == 2 ? "NULL" : Str(i + k)))}]");
        yield return ("struct", Struct(), i => $"{{'a': {(IsNull(i + 1) ? "NULL" : Str(i))}, 'b': {(Word(i + 1).Length == 0 ? "''" : Word(i + 1))}}}");
        yield return ("fixed_list", FixedList(), i => $"[{i * 2}, {(i * 2) + 1}]");
    }

    private static string Word(int i) => i % 4 == 0 ? $"w{i}" : i % 4 == 1 ? "" : i % 4 == 2 ? $"a word of more than twelve bytes {i}" : $"é{i}";

    private static DateTimeOffset Instant(int i) => new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(i * 61);

    private static string Str<T>(T value) where T : IFormattable =>
        value is double or float ? value.ToString("0.0###", CultureInfo.InvariantCulture) : value.ToString(null, CultureInfo.InvariantCulture);

    private static IArrowArray Build<TBuilder>(TBuilder builder, Action<TBuilder, int> append, Action<TBuilder> appendNull, Func<TBuilder, IArrowArray> build)
    {
        for (var i = 0; i < Rows; i++)
        {
            if (IsNull(i))
            {
                appendNull(builder);
            }
            else
            {
                append(builder, i);
            }
        }

        return build(builder);
    }

    private static IArrowArray Dec(int precision, int scale, Func<int, decimal> value) =>
        Build(new Decimal128Array.Builder(new Decimal128Type(precision, scale)), (b, i) => b.Append(value(i)), b => b.AppendNull(), b => b.Build());

    private static DictionaryArray Dictionary(Func<int, int> index)
    {
        var values = new StringArray.Builder().Append("zero").Append("one").Append("two").Append("a longer third value").Append("").Build();
        var indices = (Int16Array)Build(new Int16Array.Builder(), (b, i) => b.Append((short)index(i)), b => b.AppendNull(), b => b.Build());
        return new DictionaryArray(new DictionaryType(Int16Type.Default, StringType.Default, false), indices, values);
    }

    private static IArrowArray List()
    {
        var builder = new ListArray.Builder(Int32Type.Default);
        var values = (Int32Array.Builder)builder.ValueBuilder;
        return Build(builder, (b, i) =>
        {
            b.Append();
            for (var k = 0; k < i % 4; k++)
            {
                _ = k == 2 ? values.AppendNull() : values.Append(i + k);
            }
        }, b => b.AppendNull(), b => b.Build());
    }

    private static StructArray Struct()
    {
        var a = new Int32Array.Builder();
        var b = new StringArray.Builder();
        var valid = new ArrowBuffer.BitmapBuilder();
        var nulls = 0;
        for (var i = 0; i < Rows; i++)
        {
            _ = IsNull(i + 1) ? a.AppendNull() : a.Append(i);
            b.Append(Word(i + 1));
            valid.Append(!IsNull(i));
            nulls += IsNull(i) ? 1 : 0;
        }

        var type = new StructType([new Field("a", Int32Type.Default, true), new Field("b", StringType.Default, true)]);
        return new StructArray(type, Rows, [a.Build(), b.Build()], valid.Build(), nulls);
    }

    private static FixedSizeListArray FixedList()
    {
        var values = new Int64Array.Builder().AppendRange(Enumerable.Range(0, Rows * 2).Select(i => (long)i)).Build();
        var valid = new ArrowBuffer.BitmapBuilder();
        for (var i = 0; i < Rows; i++)
        {
            valid.Append(!IsNull(i));
        }

        var type = new FixedSizeListType(new Field("item", Int64Type.Default, true), 2);
        return new FixedSizeListArray(type, Rows, values, valid.Build(), Enumerable.Range(0, Rows).Count(IsNull));
    }
}
