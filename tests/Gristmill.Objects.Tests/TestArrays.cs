using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

/// <summary>One array of each type, with nulls where the type has them, made from buffers.</summary>
internal static class TestArrays
{
    public const int Length = 21;

    public static Dictionary<string, IArrowArray> All()
    {
        var arrays = new Dictionary<string, IArrowArray>();
        foreach (var type in Fixed())
        {
            string name = type.Name + (type is TimeBasedType t ? "_" + t.Unit : type is IntervalType v ? "_" + v.Unit : "");
            arrays.Add(name, FixedWidth(type));
        }

        arrays.Add("null", Make(NullType.Default, Length, nulls: Length, []));
        arrays.Add("utf8", Strings(StringType.Default));
        arrays.Add("binary", Strings(BinaryType.Default));
        arrays.Add("large_utf8", Strings(LargeStringType.Default));
        arrays.Add("large_binary", Strings(LargeBinaryType.Default));
        arrays.Add("utf8_view", Views(StringViewType.Default));
        arrays.Add("binary_view", Views(BinaryViewType.Default));
        var item = new Field("item", StringType.Default, true);
        var number = new Field("n", Int32Type.Default, true);
        arrays.Add("list", List(new ListType(item), 4, Strings(StringType.Default).Data));
        arrays.Add("large_list", List(new LargeListType(item), 8, Strings(StringType.Default).Data));
        arrays.Add("list_of_list", List(new ListType(new Field("inner", new ListType(item), true)), 4, arrays["list"].Data));
        arrays.Add("list_view", ListViews(new ListViewType(number), 4));
        arrays.Add("large_list_view", ListViews(new LargeListViewType(number), 8));
        arrays.Add("fixed_size_list", Make(new FixedSizeListType(number, 1), Length, 3, [Validity()], [FixedWidth(Int32Type.Default).Data]));
        var structure = new StructType([item, number, new Field("flag", BooleanType.Default, true)]);
        var parts = new[] { Strings(StringType.Default).Data, FixedWidth(Int32Type.Default).Data, FixedWidth(BooleanType.Default).Data };
        arrays.Add("struct", Make(structure, Length, 3, [Validity()], parts));
        var entries = new StructType([new Field("key", Int64Type.Default, false), new Field("value", StringType.Default, true)]);
        var keys = FixedWidth(Int64Type.Default, nulls: false).Data;
        var pairs = new ArrayData(entries, Length, 0, 0, [ArrowBuffer.Empty], [keys, Strings(StringType.Default).Data]);
        arrays.Add("map", List(new MapType(new Field("entries", entries, false), false), 4, pairs));
        arrays.Add("sparse_union", Union(UnionMode.Sparse));
        arrays.Add("dense_union", Union(UnionMode.Dense));
        foreach (var index in new IArrowType[] { Int8Type.Default, UInt8Type.Default, Int16Type.Default, Int32Type.Default, UInt32Type.Default, Int64Type.Default })
        {
            arrays.Add("dictionary_" + index.Name, Dictionary(index, Strings(StringType.Default, 5).Data));
        }

        arrays.Add("dictionary_of_list", Dictionary(Int8Type.Default, arrays["list"].Data));
        var inner = Dictionary(Int16Type.Default, Strings(StringType.Default, 5).Data);
        arrays.Add("list_of_dictionary", List(new ListType(new Field("d", inner.Data.DataType, true)), 4, inner.Data));
        var nested = List(new ListType(new Field("d", inner.Data.DataType, true)), 4, inner.Data);
        arrays.Add("dictionary_of_dictionaries", Dictionary(Int32Type.Default, nested.Data));
        foreach (var ends in new IArrowType[] { Int16Type.Default, Int32Type.Default, Int64Type.Default })
        {
            arrays.Add("run_end_" + ends.Name, RunEnds(ends));
        }

        return arrays;
    }

    /// <summary>A value as text, through the array's own accessors where there are any.</summary>
    public static string Show(IArrowArray array, int i)
    {
        var data = array.Data;
        if (array is not UnionArray && array.IsNull(i))
        {
            return "null";
        }

        int at = data.Offset + i;
        switch (array)
        {
            case StringArray strings: return strings.GetString(i);
            case LargeStringArray strings: return strings.GetString(i);
            case StringViewArray strings: return strings.GetString(i);
            case BinaryViewArray views: return Convert.ToHexString(views.GetBytes(i));
            case BinaryArray binary: return Convert.ToHexString(binary.GetBytes(i));
            case LargeBinaryArray binary: return Convert.ToHexString(binary.GetBytes(i));
            case BooleanArray booleans: return booleans.GetValue(i)!.Value.ToString();
            case MapArray map: return Join(map.GetSlicedValuesSafe(i));
            case ListArray list: return Join(list.GetSlicedValues(i));
            case LargeListArray list: return Join(list.GetSlicedValues(i));
            case ListViewArray list: return Join(list.GetSlicedValues(i));
            case LargeListViewArray list: return Join(list.GetSlicedValues(i));
            case FixedSizeListArray list: return Join(list.GetSlicedValues(i));
            case StructArray structure: return "{" + string.Join(",", structure.Fields.Select(field => Show(field, i))) + "}";
            case DictionaryArray dictionary:
                long index = Convert.ToInt64(Show(dictionary.Indices, i), CultureInfo.InvariantCulture);
                return "#" + Show(dictionary.Dictionary, (int)index);
            case DenseUnionArray union:
                int type = ((UnionType)data.DataType).TypeIds.AsSpan().IndexOf((int)union.TypeIds[i]);
                return $"{type}:" + Show(union.Fields[type], union.ValueOffsets[i]);
            case SparseUnionArray union:
                int id = ((UnionType)data.DataType).TypeIds.AsSpan().IndexOf((int)union.TypeIds[i]);
                return $"{id}:" + Show(union.Fields[id], i);
            case RunEndEncodedArray runs: return Show(runs.Values, runs.FindPhysicalIndex(i));
            case UInt8Array a: return $"{a.GetValue(i)}";
            case Int8Array a: return $"{a.GetValue(i)}";
            case Int16Array a: return $"{a.GetValue(i)}";
            case UInt16Array a: return $"{a.GetValue(i)}";
            case Int32Array a: return $"{a.GetValue(i)}";
            case UInt32Array a: return $"{a.GetValue(i)}";
            case Int64Array a: return $"{a.GetValue(i)}";
            case UInt64Array a: return $"{a.GetValue(i)}";
        }

        int width = ((FixedWidthType)data.DataType).BitWidth / 8;
        return Convert.ToHexString(data.Buffers[1].Span.Slice(at * width, width));
    }

    private static string Join(IArrowArray? values) => values is null
        ? "null"
        : "[" + string.Join(",", Enumerable.Range(0, values.Length).Select(i => Show(values, i))) + "]";

    private static IArrowArray GetSlicedValuesSafe(this MapArray map, int i)
    {
        int from = map.ValueOffsets[i], to = map.ValueOffsets[i + 1];
        return ArrowArrayFactory.Slice(map.KeyValues, from, to - from);
    }

    private static IEnumerable<IArrowType> Fixed() =>
    [
        BooleanType.Default, Int8Type.Default, UInt8Type.Default, Int16Type.Default, UInt16Type.Default, Int32Type.Default,
        UInt32Type.Default, Int64Type.Default, UInt64Type.Default, HalfFloatType.Default, FloatType.Default, DoubleType.Default,
        new Decimal32Type(9, 2), new Decimal64Type(18, 3), new Decimal128Type(38, 4), new Decimal256Type(76, 5),
        Date32Type.Default, Date64Type.Default, TimeType.FromTimeUnit(TimeUnit.Second), TimeType.FromTimeUnit(TimeUnit.Millisecond),
        TimeType.FromTimeUnit(TimeUnit.Microsecond), TimeType.FromTimeUnit(TimeUnit.Nanosecond),
        new TimestampType(TimeUnit.Second, (string?)null), new TimestampType(TimeUnit.Nanosecond, "Europe/Vienna"),
        DurationType.Second, DurationType.Microsecond, IntervalType.YearMonth, IntervalType.DayTime, IntervalType.MonthDayNanosecond,
        new FixedSizeBinaryType(5),
    ];

    private static IArrowArray Make(IArrowType type, int length, int nulls, ArrowBuffer[] buffers, ArrayData[]? children = null) =>
        ArrowArrayFactory.BuildArray(new ArrayData(type, length, nulls, 0, buffers, children ?? []));

    /// <summary>Nulls at 2, 9 and 16.</summary>
    private static ArrowBuffer Validity(int length = Length)
    {
        byte[] bits = new byte[(length + 7) / 8];
        for (int i = 0; i < length; i++)
        {
            BitUtility.SetBit(bits, i, i % 7 != 2);
        }

        return new ArrowBuffer(bits);
    }

    private static int Nulls(int length) => Enumerable.Range(0, length).Count(i => i % 7 == 2);

    private static IArrowArray FixedWidth(IArrowType type, bool nulls = true)
    {
        int bits = ((FixedWidthType)type).BitWidth;
        byte[] values = new byte[(Length * bits + 7) / 8];
        new Random(bits).NextBytes(values);
        return Make(type, Length, nulls ? 3 : 0, [nulls ? Validity() : ArrowBuffer.Empty, new ArrowBuffer(values)]);
    }

    private static string Text(int i) => i % 3 == 0 ? "" : i % 3 == 1 ? $"ä{i}" : $"a rather long value with number {i}";

    private static IArrowArray Strings(IArrowType type, int length = Length)
    {
        bool large = type is LargeStringType or LargeBinaryType;
        var bytes = new List<byte>();
        var offsets = new List<long> { 0 };
        for (int i = 0; i < length; i++)
        {
            bytes.AddRange(i % 7 == 2 ? [] : Encoding.UTF8.GetBytes(Text(i)));
            offsets.Add(bytes.Count);
        }

        return Make(type, length, Nulls(length), [Validity(length), Offsets(offsets, large ? 8 : 4), new ArrowBuffer(bytes.ToArray())]);
    }

    private static ArrowBuffer Offsets(IEnumerable<long> offsets, int width) => new(width == 8
        ? MemoryMarshal.AsBytes(offsets.ToArray().AsSpan()).ToArray()
        : MemoryMarshal.AsBytes(offsets.Select(offset => (int)offset).ToArray().AsSpan()).ToArray());

    private static IArrowArray Views(IArrowType type)
    {
        byte[] views = new byte[16 * Length];
        var data = new List<byte>[] { [], [] };
        for (int i = 0; i < Length; i++)
        {
            byte[] text = i % 7 == 2 ? [] : Encoding.UTF8.GetBytes(Text(i));
            var view = views.AsSpan(16 * i, 16);
            MemoryMarshal.Write(view, text.Length);
            text.AsSpan(0, Math.Min(text.Length, text.Length > 12 ? 4 : 12)).CopyTo(view[4..]);
            if (text.Length > 12)
            {
                MemoryMarshal.Write(view[8..], i % 2);
                MemoryMarshal.Write(view[12..], data[i % 2].Count);
                data[i % 2].AddRange(text);
            }
        }

        return Make(type, Length, 3, [Validity(), new ArrowBuffer(views), new ArrowBuffer(data[0].ToArray()), new ArrowBuffer(data[1].ToArray())]);
    }

    private static IArrowArray List(IArrowType type, int width, ArrayData values) =>
        Make(type, Length, 3, [Validity(), Offsets(Enumerable.Range(0, Length + 1).Select(i => (long)Math.Min(i * 2, Length)), width)], [values]);

    private static IArrowArray ListViews(IArrowType type, int width) => Make(type, Length, 3,
        [Validity(), Offsets(Enumerable.Range(0, Length).Select(i => (long)(Length - 1 - i)), width), Offsets(Enumerable.Range(0, Length).Select(i => (long)Math.Min(i, 2)), width)],
        [FixedWidth(Int32Type.Default).Data]);

    private static IArrowArray Union(UnionMode mode)
    {
        var type = new UnionType([new Field("s", StringType.Default, true), new Field("n", Int32Type.Default, true)], [5, 7], mode);
        byte[] ids = [.. Enumerable.Range(0, Length).Select(i => (byte)(i % 2 == 0 ? 5 : 7))];
        ArrayData[] children = [Strings(StringType.Default).Data, FixedWidth(Int32Type.Default).Data];
        return Make(type, Length, 0, mode == UnionMode.Sparse
            ? [new ArrowBuffer(ids)]
            : [new ArrowBuffer(ids), Offsets(Enumerable.Range(0, Length).Select(i => (long)(i / 2)), 4)], children);
    }

    private static IArrowArray Dictionary(IArrowType index, ArrayData values)
    {
        int width = ((FixedWidthType)index).BitWidth / 8;
        byte[] indices = new byte[Length * width];
        for (int i = 0; i < Length; i++)
        {
            indices[i * width] = (byte)(i % 5);
        }

        var type = new DictionaryType(index, values.DataType, false);
        return ArrowArrayFactory.BuildArray(new ArrayData(type, Length, 3, 0, [Validity(), new ArrowBuffer(indices)], [], values));
    }

    private static IArrowArray RunEnds(IArrowType type)
    {
        int width = ((FixedWidthType)type).BitWidth / 8;
        byte[] ends = new byte[7 * width];
        for (int i = 0; i < 7; i++)
        {
            ends[i * width] = (byte)(3 * (i + 1));
        }

        var values = Strings(StringType.Default, 7).Data;
        return Make(new RunEndEncodedType(type, StringType.Default), Length, 0, [],
            [new ArrayData(type, 7, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(ends)], []), values]);
    }
}
