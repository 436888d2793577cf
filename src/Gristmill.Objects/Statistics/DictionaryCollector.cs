using System.Numerics;
using Apache.Arrow;

namespace Gristmill.Objects.Statistics;

/// <summary>Values that a dictionary holds: each is looked at once an array, however often its index occurs.</summary>
internal sealed class DictionaryCollector(ColumnCollector values) : ColumnCollector
{
    public override void AddCounted(IArrowArray values, ReadOnlySpan<long> counts) => throw new InvalidOperationException("A dictionary's values are no indices.");

    protected override void AddValues(IArrowArray array, int level)
    {
        var encoded = (DictionaryArray)array;
        long[] counts = new long[encoded.Dictionary.Length];
        switch (encoded.Indices)
        {
            case Int8Array indices: CountIndices(indices, counts); break;
            case UInt8Array indices: CountIndices(indices, counts); break;
            case Int16Array indices: CountIndices(indices, counts); break;
            case UInt16Array indices: CountIndices(indices, counts); break;
            case Int32Array indices: CountIndices(indices, counts); break;
            case UInt32Array indices: CountIndices(indices, counts); break;
            case Int64Array indices: CountIndices(indices, counts); break;
            case UInt64Array indices: CountIndices(indices, counts); break;
        }

        values.AddCounted(encoded.Dictionary, counts);
    }

    private static void CountIndices<T>(PrimitiveArray<T> indices, long[] counts)
        where T : unmanaged, INumber<T>
    {
        var numbers = indices.Values;
        bool all = indices.NullCount == 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            if (all || indices.IsValid(i))
            {
                counts[int.CreateTruncating(numbers[i])]++;
            }
        }
    }

    protected override ColumnStatistics Describe(ColumnStatistics known) => values.Finish(known.Name) with { Nulls = known.Nulls };
}
