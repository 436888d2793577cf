using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Conformance;

/// <summary>
/// A value of an array as text that tells all values of its type apart, floats by their bits. Read from the buffers by the
/// columnar format's own rules, with none of Arrow's array classes: those are among what is tested.
/// </summary>
internal static class ArrayText
{
    public static string Of(ArrayData data, int i)
    {
        var type = data.DataType is ExtensionType extension ? extension.StorageType : data.DataType;
        var layout = Layout.Of(type);
        int at = data.Offset + i;
        if (type is NullType || (layout.HasValidity && data.Buffers[0].Length > 0 && !BitUtility.GetBit(data.Buffers[0].Span, at)))
        {
            return "null";
        }

        if (type is DictionaryType dictionary)
        {
            long index = (long)Integer(data.Buffers[1].Span, at, layout.Bytes, dictionary.IndexType is IntegerType { IsSigned: true });
            return Of(data.Dictionary, checked((int)index));
        }

        switch (layout.Kind)
        {
            case ArrayLayout.Fixed:
                return Fixed(type, layout, data.Buffers[1].Span, at);
            case ArrayLayout.Variable:
                return Bytes(data.Buffers[2].Span[Offset(data, 1, at, layout)..Offset(data, 1, at + 1, layout)], type is StringType or LargeStringType);
            case ArrayLayout.View:
                return Bytes(View(data, at), type is StringViewType);
            case ArrayLayout.List:
                return List(data.Children[0], Offset(data, 1, at, layout), Offset(data, 1, at + 1, layout));
            case ArrayLayout.ListView:
                int start = Offset(data, 1, at, layout);
                return List(data.Children[0], start, start + Offset(data, 2, at, layout));
            case ArrayLayout.FixedList:
                int size = ((FixedSizeListType)type).ListSize;
                return List(data.Children[0], at * size, (at + 1) * size);
            case ArrayLayout.Struct:
                return Tuple(data.Children.Select(child => Of(child, at)));
            case ArrayLayout.SparseUnion:
            case ArrayLayout.DenseUnion:
                sbyte id = (sbyte)data.Buffers[0].Span[at];
                var chosen = data.Children[System.Array.IndexOf(((UnionType)type).TypeIds, id)];
                return Union(id, Of(chosen, layout.Kind == ArrayLayout.SparseUnion ? at : MemoryMarshal.Read<int>(data.Buffers[1].Span[(4 * at)..])));
            default:
                var ends = data.Children[0];
                int width = Layout.Of(ends.DataType).Bytes, run = 0;
                while (Integer(ends.Buffers[1].Span, ends.Offset + run, width, true) <= at)
                {
                    run++;
                }

                return Of(data.Children[1], run);
        }
    }

    public static string Tuple(IEnumerable<string> values) => "(" + string.Join(", ", values) + ")";

    public static string List(IEnumerable<string> values) => "[" + string.Join(", ", values) + "]";

    public static string Union(int id, string value) => $"{id}:{value}";

    public static string Float(double value) => BitConverter.DoubleToUInt64Bits(value).ToString("x16", CultureInfo.InvariantCulture);

    public static string Float(float value) => BitConverter.SingleToUInt32Bits(value).ToString("x8", CultureInfo.InvariantCulture);

    public static string Half(ushort bits) => bits.ToString("x4", CultureInfo.InvariantCulture);

    public static string Bytes(ReadOnlySpan<byte> value, bool text) => text ? '"' + Encoding.UTF8.GetString(value) + '"' : Convert.ToHexString(value);

    public static string Interval(params ReadOnlySpan<long> parts) => string.Join('/', parts.ToArray());

    private static string List(ArrayData values, int from, int to) => List(Enumerable.Range(from, to - from).Select(k => Of(values, k)));

    private static string Fixed(IArrowType type, Layout layout, ReadOnlySpan<byte> bytes, int at)
    {
        if (type is BooleanType)
        {
            return BitUtility.GetBit(bytes, at) ? "true" : "false";
        }

        var value = bytes.Slice(at * layout.Bytes, layout.Bytes);
        return type switch
        {
            HalfFloatType => Half(MemoryMarshal.Read<ushort>(value)),
            FloatType => Float(MemoryMarshal.Read<float>(value)),
            DoubleType => Float(MemoryMarshal.Read<double>(value)),
            Decimal32Type or Decimal64Type or Decimal128Type or Decimal256Type => new BigInteger(value).ToString(CultureInfo.InvariantCulture),
            IntervalType { Unit: IntervalUnit.YearMonth } => Interval(MemoryMarshal.Read<int>(value)),
            IntervalType { Unit: IntervalUnit.DayTime } => Interval(MemoryMarshal.Read<int>(value), MemoryMarshal.Read<int>(value[4..])),
            IntervalType => Interval(MemoryMarshal.Read<int>(value), MemoryMarshal.Read<int>(value[4..]), MemoryMarshal.Read<long>(value[8..])),
            FixedSizeBinaryType => Bytes(value, false),
            _ => Integer(bytes, at, layout.Bytes, type is not IntegerType { IsSigned: false }).ToString(CultureInfo.InvariantCulture),
        };
    }

    private static ReadOnlySpan<byte> View(ArrayData data, int at)
    {
        var view = data.Buffers[1].Span.Slice(16 * at, 16);
        int length = MemoryMarshal.Read<int>(view);
        return length <= 12
            ? view.Slice(4, length)
            : data.Buffers[2 + MemoryMarshal.Read<int>(view[8..])].Span.Slice(MemoryMarshal.Read<int>(view[12..]), length);
    }

    private static int Offset(ArrayData data, int buffer, int at, Layout layout) => (int)Integer(data.Buffers[buffer].Span, at, layout.Bytes, true);

    private static BigInteger Integer(ReadOnlySpan<byte> bytes, int at, int width, bool signed) => new(bytes.Slice(at * width, width), !signed);
}
