using System.Numerics;
using System.Numerics.Tensors;
using Apache.Arrow;

namespace Gristmill.Engines.Torch;

/// <summary>
/// Finds integer columns of few values, such as hours, weekdays and months. As numbers they would be standardised, and a
/// value beyond those of training (the next month) would be extrapolated without bound; as categories it is unseen.
/// </summary>
internal static class SmallIntegers
{
    /// <summary>Widest range of values.</summary>
    public const int Values = 64;

    /// <summary>Names of the columns.</summary>
    public static IEnumerable<string> Among(IReadOnlyList<RecordBatch> table)
    {
        if (table.Count == 0)
        {
            yield break;
        }

        var fields = table[0].Schema.FieldsList;
        for (var i = 0; i < fields.Count; i++)
        {
            var index = i;
            if (IsSmall(table.Select(b => b.Column(index))))
            {
                yield return fields[i].Name;
            }
        }
    }

    private static bool IsSmall(IEnumerable<IArrowArray> arrays)
    {
        double lowest = double.PositiveInfinity, highest = double.NegativeInfinity;
        foreach (var array in arrays.Where(a => a.Length > 0))
        {
            // Slots of nulls count too, whatever they hold (zero, mostly): a wider range only keeps a column a number.
            if (Range(array) is not { } range)
            {
                return false;
            }

            lowest = Math.Min(lowest, range.Low);
            highest = Math.Max(highest, range.High);
            if (highest - lowest >= Values)
            {
                return false;
            }
        }

        return lowest <= highest;
    }

    private static (double Low, double High)? Range(IArrowArray array) => array switch
    {
        Int8Array a => Range(a.Values),
        UInt8Array a => Range(a.Values),
        Int16Array a => Range(a.Values),
        UInt16Array a => Range(a.Values),
        Int32Array a => Range(a.Values),
        UInt32Array a => Range(a.Values),
        Int64Array a => Range(a.Values),
        UInt64Array a => Range(a.Values),
        _ => null,
    };

    private static (double Low, double High) Range<T>(ReadOnlySpan<T> values)
        where T : INumber<T> => (double.CreateChecked(TensorPrimitives.Min(values)), double.CreateChecked(TensorPrimitives.Max(values)));
}
