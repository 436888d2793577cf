using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Statistics;

/// <summary>Computes a column's statistics array by array, each value read once.</summary>
internal abstract class ColumnCollector
{
    private const int MostFrequent = 10;
    private readonly HyperLogLog _distinct = new();
    private readonly FrequentValues _frequent = new();
    private ulong _random = 0x2545_F491_4F6C_DD1D; // the same for all: equal tables have equal statistics
    private long _nulls;

    /// <summary>The collector of a type; of nested ones, intervals and such without an order only nulls are counted.</summary>
    public static ColumnCollector Of(IArrowType type) => type switch
    {
        DictionaryType dictionary => new DictionaryCollector(Of(dictionary.ValueType)),
        Int8Type => new NumberCollector<sbyte>(type),
        Int16Type => new NumberCollector<short>(type),
        Int32Type or Date32Type or Time32Type => new NumberCollector<int>(type),
        Int64Type or Date64Type or Time64Type or TimestampType or DurationType => new NumberCollector<long>(type),
        UInt8Type => new NumberCollector<byte>(type),
        UInt16Type => new NumberCollector<ushort>(type),
        UInt32Type => new NumberCollector<uint>(type),
        UInt64Type => new NumberCollector<ulong>(type),
        HalfFloatType => new NumberCollector<Half>(type),
        FloatType => new NumberCollector<float>(type),
        DoubleType => new NumberCollector<double>(type),
        BooleanType => new BooleanCollector(),
        StringType or LargeStringType or StringViewType => new TextCollector(),
        _ => new NullCollector(),
    };

    /// <summary>Adds an array of the column.</summary>
    /// <param name="array">The values.</param>
    /// <param name="level">One in 2^level values is taken where all would take too long.</param>
    public void Add(IArrowArray array, int level)
    {
        _nulls += array.NullCount;
        AddValues(array, level);
    }

    /// <summary>Adds some values, each as often as a dictionary's indices name it.</summary>
    public abstract void AddCounted(IArrowArray values, ReadOnlySpan<long> counts);

    /// <summary>What was found.</summary>
    public ColumnStatistics Finish(string name) => Describe(new ColumnStatistics { Name = name, Nulls = _nulls });

    protected abstract void AddValues(IArrowArray array, int level);

    protected abstract ColumnStatistics Describe(ColumnStatistics known);

    /// <summary>Counts a value towards how many different ones there are.</summary>
    protected void Distinguish(ulong hash) => _distinct.Add(hash);

    /// <summary>Counts a value towards the most frequent.</summary>
    protected void Count(ulong hash, ReadOnlySpan<byte> value, long count) => _frequent.Add(hash, value, count);

    /// <summary>One row of each 2^level, at random: of a stride alone a periodic column would show one face.</summary>
    protected int Sampled(int group, int level)
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (group << level) + (int)((_random >> 20) & ((1UL << level) - 1));
    }

    protected ColumnStatistics WithCounts(ColumnStatistics known, Func<byte[], bool, string> show) => known with
    {
        Distinct = _distinct.Estimate(),
        Top = [.. _frequent.Top(MostFrequent).Select(item => new ValueCount(show(item.Value, item.IsCut), item.Count))],
    };

    /// <summary>Spreads bits that are not random over a hash: the finaliser of MurmurHash3.</summary>
    protected static ulong Mix(ulong bits)
    {
        bits = (bits ^ (bits >> 33)) * 0xff51_afd7_ed55_8ccd;
        bits = (bits ^ (bits >> 33)) * 0xc4ce_b9fe_1a85_ec53;
        return bits ^ (bits >> 33);
    }

    private sealed class NullCollector : ColumnCollector
    {
        public override void AddCounted(IArrowArray values, ReadOnlySpan<long> counts) { }

        protected override void AddValues(IArrowArray array, int level) { }

        protected override ColumnStatistics Describe(ColumnStatistics known) => known;
    }
}
