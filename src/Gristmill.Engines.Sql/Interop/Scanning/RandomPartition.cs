namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// Parts by shares, each row (or any other number, such as the hash of a key) for itself: the same for the same seed on every machine and
/// with any number of threads.
/// </summary>
internal sealed class RandomPartition
{
    private readonly double[] _bounds;
    private readonly ulong _seed;

    /// <param name="fractions">Share of each part; they sum to 1.</param>
    /// <param name="seed">The seed.</param>
    public RandomPartition(IReadOnlyList<double> fractions, long seed)
    {
        _seed = SplitMix64.Mix((ulong)seed);
        _bounds = new double[fractions.Count];
        var sum = 0.0;
        for (var i = 0; i < fractions.Count; i++)
        {
            sum += fractions[i];
            _bounds[i] = sum;
        }

        _bounds[^1] = 1;
    }

    /// <summary>The part of a row, from 0.</summary>
    public sbyte Of(long row)
    {
        var uniform = (SplitMix64.Mix(_seed + (ulong)row) >> 11) * (1.0 / (1L << 53));
        var part = 0;
        while (uniform >= _bounds[part])
        {
            part++;
        }

        return (sbyte)part;
    }
}
