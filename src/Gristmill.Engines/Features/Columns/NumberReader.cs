using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Apache.Arrow;
using Apache.Arrow.Arrays;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Features;

/// <summary>Reads rows of any number or boolean column as doubles, NaN for null.</summary>
internal static class NumberReader
{
    private static readonly double[] Tens = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

    /// <summary>Reads rows start .. start + values.Length.</summary>
    public static void Read(IArrowArray array, InputColumn column, int start, Span<double> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        switch (array)
        {
            case NullArray: values.Fill(double.NaN); return;
            case DoubleArray a: a.Values.Slice(start, values.Length).CopyTo(values); break;
            case FloatArray a: Widen(a.Values.Slice(start, values.Length), values); break;
            case HalfFloatArray a: Widen(a.Values.Slice(start, values.Length), values); break;
            case Int8Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case Int16Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case Int32Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case Int64Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case UInt8Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case UInt16Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case UInt32Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case UInt64Array a: Widen(a.Values.Slice(start, values.Length), values); break;
            case BooleanArray a: Bits(a, start, values); break;
            case FixedSizeBinaryArray a: Decimals(a, start, values); break;
            case DictionaryArray a: Dictionary(a, column, start, values); return;
            default: throw new InvalidOperationException($"Not a number column: {array.Data.DataType.Name}.");
        }

        if (column.Precision != NumberPrecision.Double && array is not (FloatArray or HalfFloatArray))
        {
            foreach (ref var value in values)
            {
                value = column.Round(value);
            }
        }
        else if (column.Precision == NumberPrecision.Half && array is FloatArray)
        {
            foreach (ref var value in values)
            {
                value = column.Round(value);
            }
        }

        var valid = new Validity(array);
        if (!valid.AllValid)
        {
            for (var i = 0; i < values.Length; i++)
            {
                if (!valid[start + i])
                {
                    values[i] = double.NaN;
                }
            }
        }
    }

    private static void Widen<T>(ReadOnlySpan<T> source, Span<double> values)
        where T : struct, INumberBase<T>
    {
        for (var i = 0; i < source.Length; i++)
        {
            values[i] = double.CreateTruncating(source[i]);
        }
    }

    private static void Bits(BooleanArray array, int start, Span<double> values)
    {
        var bits = array.ValueBuffer.Span;
        for (var i = 0; i < values.Length; i++)
        {
            var bit = array.Offset + start + i;
            values[i] = (bits[bit >> 3] >> (bit & 7)) & 1;
        }
    }

    private static void Decimals(FixedSizeBinaryArray array, int start, Span<double> values)
    {
        var type = (FixedSizeBinaryType)array.Data.DataType;
        var scale = type switch
        {
            Decimal32Type t => t.Scale,
            Decimal64Type t => t.Scale,
            Decimal128Type t => t.Scale,
            Decimal256Type t => t.Scale,
            _ => throw new InvalidOperationException($"Not a number column: {type.Name}."),
        };
        var width = type.ByteWidth;
        var bytes = array.ValueBuffer.Span[((array.Offset + start) * width)..];
        for (var i = 0; i < values.Length; i++)
        {
            var raw = bytes.Slice(i * width, width);
            if (width <= 16)
            {
                var unscaled = width switch
                {
                    4 => BinaryPrimitives.ReadInt32LittleEndian(raw),
                    8 => BinaryPrimitives.ReadInt64LittleEndian(raw),
                    _ => BinaryPrimitives.ReadInt128LittleEndian(raw),
                };
                if (Int128.Abs(unscaled) <= 1L << 53 && (uint)scale < (uint)Tens.Length)
                {
                    // Both are exact doubles, so the quotient is the nearest double to the decimal: what parsing its text gives.
                    values[i] = (double)(long)unscaled / Tens[scale];
                    continue;
                }
            }

            values[i] = double.Parse($"{new BigInteger(raw)}E{-scale}", NumberStyles.Float, CultureInfo.InvariantCulture);
        }
    }

    private static void Dictionary(DictionaryArray array, InputColumn column, int start, Span<double> values)
    {
        var dictionary = new double[array.Dictionary.Length];
        Read(array.Dictionary, column, 0, dictionary);
        Span<int> indices = values.Length <= 2048 ? stackalloc int[values.Length] : new int[values.Length];
        DictionaryIndices.Read(array, start, indices);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = indices[i] < 0 ? double.NaN : dictionary[indices[i]];
        }
    }
}
