using Gristmill.Engines.Sql.Interop;

namespace Gristmill.Engines.Sql.Splitting;

/// <summary>Divides classes of rows in parts of exact sizes, or draws from them, at random: the same for the same seed and rows.</summary>
internal static class RowQuotas
{
    /// <summary>
    /// Assigns rows to parts by selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): one pass, in which a
    /// row goes to a part with the share that the part has of what its class still has to give.
    /// </summary>
    /// <param name="classes">The classes of the rows.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="quotas">Of each class: rows for each part, which sum to its size. The arrays are used up.</param>
    public static sbyte[] Assign(RowClasses classes, long seed, IEnumerable<long[]> quotas)
    {
        long[][] left = [.. quotas];
        long[] sizes = [.. classes.Sizes];
        var start = SplitMix64.Mix((ulong)seed);
        var parts = new sbyte[classes.Rows];
        for (var row = 0; row < parts.Length; row++)
        {
            var code = classes.Of(row);
            var pick = Below(start + (ulong)row, sizes[code]);
            var quota = left[code];
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

    /// <summary>Draws rows of each class with replacement, at random: how often each row was drawn, the same for the same seed and rows.</summary>
    /// <param name="classes">The classes of the rows.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draws">How often to draw from each class, together no more than an int counts; 0 from one without rows.</param>
    /// <param name="cancellationToken">Looked at now and then.</param>
    public static int[] Draw(RowClasses classes, long seed, IReadOnlyList<long> draws, CancellationToken cancellationToken)
    {
        var next = new long[draws.Count];
        for (var code = 1; code < next.Length; code++)
        {
            next[code] = next[code - 1] + classes.Sizes[code - 1];
        }

        // Rows of a class behind each other, which leaves the end of each class in its place of next.
        var members = new int[classes.Rows];
        for (var row = 0; row < members.Length; row++)
        {
            members[next[classes.Of(row)]++] = row;
        }

        var state = SplitMix64.Mix((ulong)seed);
        var counts = new int[classes.Rows];
        for (var code = 0; code < next.Length; code++)
        {
            var size = classes.Sizes[code];
            for (var draw = 0L; draw < draws[code]; draw++)
            {
                if ((draw & 0xFFFFF) == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                }

                counts[members[next[code] - size + Below(state++, size)]]++;
            }
        }

        return counts;
    }

    /// <summary>Divides rows among classes in proportion to their sizes, by the largest remainder; among equals the first.</summary>
    /// <param name="rows">At least 0; at most as many as the classes have give none more than it has.</param>
    /// <param name="sizes">Rows of each class.</param>
    public static long[] Proportional(long rows, IReadOnlyList<long> sizes)
    {
        var total = Int128.Max(1, sizes.Aggregate(Int128.Zero, static (sum, size) => sum + size));
        var exact = sizes.Select(size => Int128.DivRem((Int128)rows * size, total)).ToArray();
        var quota = exact.Select(static share => (long)share.Quotient).ToArray();
        var left = rows - quota.Sum();
        foreach (var code in Enumerable.Range(0, quota.Length).OrderByDescending(code => exact[code].Remainder).Take((int)left))
        {
            quota[code]++;
        }

        return quota;
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

    /// <summary>A random whole number from 0 to below a bound.</summary>
    private static long Below(ulong state, long bound) => (long)Math.BigMul(SplitMix64.Mix(state), (ulong)bound, out _);
}
