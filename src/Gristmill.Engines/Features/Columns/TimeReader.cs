using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Features;

/// <summary>Reads rows of a date or timestamp column as microseconds since 1970 UTC, <see cref="Missing"/> for null. Nanoseconds are cut off.</summary>
internal static class TimeReader
{
    /// <summary>Stands for null.</summary>
    public const long Missing = long.MinValue;

    // Years 1 to 9999: what DateTime, and so JSON rows, can say.
    private static readonly long First = (DateTime.MinValue.Ticks - DateTime.UnixEpoch.Ticks) / 10;
    private static readonly long Last = (DateTime.MaxValue.Ticks - DateTime.UnixEpoch.Ticks) / 10;

    public static void Read(IArrowArray array, InputColumn column, int start, Span<long> micros, long rowBase)
    {
        if (micros.IsEmpty)
        {
            return;
        }

        switch (array)
        {
            case NullArray: micros.Fill(Missing); return;
            case Date32Array a:
                Scale(a.Values.Slice(start, micros.Length), micros, 86_400_000_000);
                break;
            case Date64Array a: Scale(a.Values.Slice(start, micros.Length), micros, 1_000); break;
            case TimestampArray a:
                var values = a.Values.Slice(start, micros.Length);
                switch (((TimestampType)a.Data.DataType).Unit)
                {
                    case TimeUnit.Second: Scale(values, micros, 1_000_000); break;
                    case TimeUnit.Millisecond: Scale(values, micros, 1_000); break;
                    case TimeUnit.Microsecond: values.CopyTo(micros); break;
                    default:
                        for (var i = 0; i < values.Length; i++)
                        {
                            micros[i] = Math.DivRem(values[i], 1_000, out var rest) - (rest < 0 ? 1 : 0);
                        }

                        break;
                }

                break;
            case DictionaryArray a:
                var dictionary = new long[a.Dictionary.Length];
                Read(a.Dictionary, column, 0, dictionary, 0);
                var indices = new int[micros.Length];
                DictionaryIndices.Read(a, start, indices);
                for (var i = 0; i < micros.Length; i++)
                {
                    micros[i] = indices[i] < 0 ? Missing : dictionary[indices[i]];
                }

                return;
            default: throw new InvalidOperationException($"Not a timestamp column: {array.Data.DataType.Name}.");
        }

        var valid = new Validity(array);
        for (var i = 0; i < micros.Length; i++)
        {
            if (!valid[start + i])
            {
                micros[i] = Missing;
            }
            else if (micros[i] < First || micros[i] > Last)
            {
                throw column.BadValue(rowBase + start + i, "the instant lies outside the years 1 to 9999", "Filter such rows out.");
            }
        }
    }

    // Saturates, so that what overflows lands outside the allowed years instead of inside.
    private static void Scale<T>(ReadOnlySpan<T> source, Span<long> micros, long factor)
        where T : struct, System.Numerics.IBinaryInteger<T>
    {
        var limit = (long.MaxValue / factor) - 1;
        for (var i = 0; i < source.Length; i++)
        {
            micros[i] = Math.Clamp(long.CreateTruncating(source[i]), -limit, limit) * factor;
        }
    }
}
