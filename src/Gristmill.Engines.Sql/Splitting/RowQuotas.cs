using System.Runtime.InteropServices;
using Gristmill.Engines.Sql.Interop;

namespace Gristmill.Engines.Sql.Splitting;

/// <summary>Divides each class of rows in parts of exact sizes, at random: the same for the same seed and rows.</summary>
internal static class RowQuotas
{
    /// <summary>
    /// Assigns rows to parts by selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): one pass, in which a
    /// row goes to a part with the share that the part has of what its class still has to give.
    /// </summary>
    /// <param name="classes">The class of each row, as any number of its own.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="divide">Of the sizes of the classes, in the order in which they appear: rows for each part, which sum to the size.</param>
    public static sbyte[] Assign(ReadOnlySpan<ulong> classes, long seed, Func<IReadOnlyList<long>, IReadOnlyList<long[]>> divide)
    {
        var codes = new Dictionary<ulong, int>();
        var sizes = new List<long>();
        foreach (var key in classes)
        {
            ref var code = ref CollectionsMarshal.GetValueRefOrAddDefault(codes, key, out var known);
            if (!known)
            {
                code = sizes.Count;
                sizes.Add(0);
            }

            sizes[code]++;
        }

        var quotas = divide(sizes);
        var start = SplitMix64.Mix((ulong)seed);
        var parts = new sbyte[classes.Length];
        for (var row = 0; row < parts.Length; row++)
        {
            var code = codes[classes[row]];
            var pick = (long)Math.BigMul(SplitMix64.Mix(start + (ulong)row), (ulong)sizes[code], out _);
            var quota = quotas[code];
            var part = 0;
            while (pick >= quota[part])
            {
                pick -= quota[part++];
            }

            quota[part]--;
            sizes[code]--;
            parts[row] = (sbyte)part;
        }

        return parts;
    }

    /// <summary>
    /// Divides rows by shares that sum to 1, by the largest remainder: each part gets its share rounded down, and what is left goes to the
    /// parts that lost most, the first of equals.
    /// </summary>
    public static long[] Divide(long rows, IReadOnlyList<double> shares)
    {
        var exact = shares.Select(share => rows * share).ToArray();

        // A product that rounding put a hair below a whole number means that number.
        var quota = exact.Select(value => (long)Math.Floor(value + 1e-6)).ToArray();
        var left = rows - quota.Sum();
        foreach (var part in Enumerable.Range(0, quota.Length).OrderByDescending(part => exact[part] - quota[part]).Take((int)Math.Max(0, left)))
        {
            quota[part]++;
        }

        return quota;
    }
}
