using Apache.Arrow;
using Apache.Arrow.Arrays;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Fuzzing;

/// <summary>
/// Reads every value of arrays through Arrow's own classes, as a consumer would: what was accepted must bear it. Rows that take no
/// memory can be billions, and views can share what they show: of these the first and the last are read.
/// </summary>
internal sealed class ArrayWalker
{
    private const int Most = 1 << 20;
    private readonly HashSet<ArrayData> _dictionaries = [];
    private long _textLeft = 16 << 20;
    private long _sum;

    /// <summary>Reads a batch; the sum keeps the reads from being left out.</summary>
    public static long Read(RecordBatch batch)
    {
        var walker = new ArrayWalker();
        foreach (var array in batch.Arrays)
        {
            walker.Walk(array);
        }

        return walker._sum;
    }

    private void Walk(IArrowArray array)
    {
        // Each buffer to its last byte: mapped memory that is not there would end the process.
        foreach (var buffer in array.Data.Buffers ?? [])
        {
            foreach (byte value in buffer.Span)
            {
                _sum += value;
            }
        }

        switch (array)
        {
            case StructArray structure:
                foreach (var field in structure.Fields)
                {
                    Walk(field);
                }

                break;
            case MapArray map:
                Walk(map.KeyValues);
                Each(map, i => map.ValueOffsets[i + 1] - map.ValueOffsets[i]);
                break;
            case ListArray list:
                Walk(list.Values);
                Each(list, i => list.GetSlicedValues(i)?.Length ?? 0);
                break;
            case LargeListArray list:
                Walk(list.Values);
                Each(list, i => list.GetSlicedValues(i)?.Length ?? 0);
                break;
            case ListViewArray list:
                Walk(list.Values);
                Each(list, i => list.GetSlicedValues(i)?.Length ?? 0);
                break;
            case LargeListViewArray list:
                Walk(list.Values);
                Each(list, i => list.GetSlicedValues(i)?.Length ?? 0);
                break;
            case FixedSizeListArray list:
                Walk(list.Values);
                Each(list, i => list.GetSlicedValues(i)?.Length ?? 0);
                break;
            case UnionArray union:
                foreach (var field in union.Fields)
                {
                    Walk(field);
                }

                int[] ids = ((UnionType)union.Data.DataType).TypeIds;
                Each(union, i =>
                {
                    var chosen = union.Fields[System.Array.IndexOf(ids, union.TypeIds[i])];
                    return chosen.IsNull(union is DenseUnionArray dense ? dense.ValueOffsets[i] : i) ? 1 : 0;
                });
                break;
            case RunEndEncodedArray runs:
                Walk(runs.RunEnds);
                Walk(runs.Values);
                Each(runs, i => runs.Values.IsNull(runs.FindPhysicalIndex(i)) ? 1 : 0);
                break;
            case DictionaryArray dictionary:
                if (_dictionaries.Add(dictionary.Dictionary.Data))
                {
                    Walk(dictionary.Dictionary);
                }

                Walk(dictionary.Indices);
                Each(dictionary, i => dictionary.Indices.IsNull(i) ? 0 : dictionary.Dictionary.IsNull((int)Scalar(dictionary.Indices, i)) ? 1 : 0);
                break;
            default:
                Each(array, i => Scalar(array, i));
                break;
        }
    }

    private void Each(IArrowArray array, Func<int, long> read)
    {
        for (int i = 0; i < array.Length; i++)
        {
            if (i == Most)
            {
                i = Math.Max(i, array.Length - 1000);
            }

            _sum += (array.IsNull(i) ? 1 : 0) + read(i);
        }
    }

    private long Scalar(IArrowArray array, int i)
    {
        switch (array)
        {
            case NullArray: return 0;
            case StringArray a: return Text(a.GetBytes(i).Length, () => a.GetString(i));
            case LargeStringArray a: return Text(a.GetBytes(i, out _).Length, () => a.GetString(i));
            case StringViewArray a: return Text(a.GetBytes(i).Length, () => a.GetString(i));
            case BinaryViewArray a: return Ends(a.GetBytes(i));
            case LargeBinaryArray a: return Ends(a.GetBytes(i));
            case BinaryArray a: return Ends(a.GetBytes(i));
            case FixedSizeBinaryArray a: return Ends(a.GetBytes(i));
            case BooleanArray a: return a.GetValue(i) == true ? 1 : 0;
            case PrimitiveArray<sbyte> a: return a.GetValue(i) ?? 0;
            case PrimitiveArray<byte> a: return a.GetValue(i) ?? 0;
            case PrimitiveArray<short> a: return a.GetValue(i) ?? 0;
            case PrimitiveArray<ushort> a: return a.GetValue(i) ?? 0;
            case PrimitiveArray<int> a: return a.GetValue(i) ?? 0;
            case PrimitiveArray<uint> a: return a.GetValue(i) ?? 0;
            case PrimitiveArray<long> a: return a.GetValue(i) ?? 0;
            case PrimitiveArray<ulong> a: return (long)(a.GetValue(i) ?? 0);
            case PrimitiveArray<Half> a: return BitConverter.HalfToInt16Bits(a.GetValue(i) ?? default);
            case PrimitiveArray<float> a: return BitConverter.SingleToInt32Bits(a.GetValue(i) ?? 0);
            case PrimitiveArray<double> a: return BitConverter.DoubleToInt64Bits(a.GetValue(i) ?? 0);
            case YearMonthIntervalArray a: return a.GetValue(i)?.Months ?? 0;
            case DayTimeIntervalArray a: return a.GetValue(i)?.Days ?? 0;
            case MonthDayNanosecondIntervalArray a: return a.GetValue(i)?.Nanoseconds ?? 0;
            default: throw new NotSupportedException($"no values of {array.GetType().Name} are read: say how");
        }
    }

    private long Text(int length, Func<string?> text)
    {
        if ((_textLeft -= length) > 0)
        {
            return text()?.Length ?? 0;
        }

        return length;
    }

    private static long Ends(ReadOnlySpan<byte> value) => value.IsEmpty ? 0 : value[0] + value[^1];
}
