namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// Assigns each row number to a part, by SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014) of seed and row: the same rows for the same seed on every machine and with any number of
/// threads.
/// </summary>
internal sealed class RowPartition
{
    /// <summary>Name of the column that holds a row's part.</summary>
    public const string Column = "gristmill_part";

    private readonly double[] _bounds;
    private readonly ulong _seed;

    /// <param name="fractions">Share of each part; they sum to 1.</param>
    /// <param name="seed">The seed.</param>
    public RowPartition(IReadOnlyList<double> fractions, long seed)
    {
        _seed = (ulong)seed;
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
        var uniform = (Mix(Mix(_seed) + (ulong)row) >> 11) * (1.0 / (1L << 53));
        var part = 0;
        while (uniform >= _bounds[part])
        {
            part++;
        }

        return (sbyte)part;
    }

    private static ulong Mix(ulong state)
    {
        var z = state + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
