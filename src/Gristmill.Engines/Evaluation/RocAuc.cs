using System.Buffers;

namespace Gristmill.Engines;

/// <summary>Area under the receiver operating characteristic curve.</summary>
public static class RocAuc
{
    private const int Bits = 11;
    private const int Buckets = 1 << Bits;

    /// <summary>
    /// The probability that a random positive row scores above a random negative one, ties counting one half: the Mann-Whitney statistic
    /// with midranks (Hanley and McNeil, The meaning and use of the area under a ROC curve, Radiology 143(1), 1982). Linear in the rows:
    /// a radix sort of the scores.
    /// </summary>
    /// <param name="scores">Scores; any monotone scale.</param>
    /// <param name="labels">0 or 1 each.</param>
    /// <returns>0 to 1, or null where all rows are of one class.</returns>
    /// <exception cref="GristmillException">bad_value for a score that is NaN and a label that is neither 0 nor 1, with the row.</exception>
    public static double? Compute(ReadOnlySpan<float> scores, ReadOnlySpan<float> labels)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, scores.Length);
        var keys = ArrayPool<ulong>.Shared.Rent(scores.Length);
        var spare = ArrayPool<ulong>.Shared.Rent(scores.Length);
        try
        {
            for (var i = 0; i < scores.Length; i++)
            {
                if (float.IsNaN(scores[i]))
                {
                    throw PredictionOutput.NotANumber(i);
                }

                keys[i] = ((ulong)Sortable(scores[i]) << 1) | (MetricInputs.IsPositive(labels, i) ? 1u : 0u);
            }

            return FromSorted(Sort(keys, spare, scores.Length).AsSpan(0, scores.Length));
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(keys);
            ArrayPool<ulong>.Shared.Return(spare);
        }
    }

    // Unsigned integers in the order of the floats; -0 and 0 are one score.
    private static uint Sortable(float score)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f);
        return (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
    }

    // Three passes of 11 bits over the 32 bits above the label.
    private static ulong[] Sort(ulong[] keys, ulong[] spare, int count)
    {
        if (count <= Buckets)
        {
            Array.Sort(keys, 0, count);
            return keys;
        }

        Span<int> starts = stackalloc int[Buckets];
        for (var shift = 1; shift < 33; shift += Bits)
        {
            starts.Clear();
            foreach (var key in keys.AsSpan(0, count))
            {
                starts[(int)(key >> shift) & (Buckets - 1)]++;
            }

            for (int b = 0, sum = 0; b < Buckets; b++)
            {
                (starts[b], sum) = (sum, sum + starts[b]);
            }

            foreach (var key in keys.AsSpan(0, count))
            {
                spare[starts[(int)(key >> shift) & (Buckets - 1)]++] = key;
            }

            (keys, spare) = (spare, keys);
        }

        return keys;
    }

    private static double? FromSorted(ReadOnlySpan<ulong> keys)
    {
        // Twice the statistic, so that it stays a whole number: a tie of a positive with a negative counts 1, a win 2.
        long twice = 0, negatives = 0, positives = 0;
        for (var i = 0; i < keys.Length;)
        {
            var score = keys[i] >> 1;
            long tiedPositives = 0, tiedNegatives = 0;
            for (; i < keys.Length && keys[i] >> 1 == score; i++)
            {
                tiedPositives += (long)(keys[i] & 1);
                tiedNegatives += (long)(~keys[i] & 1);
            }

            twice += tiedPositives * ((2 * negatives) + tiedNegatives);
            positives += tiedPositives;
            negatives += tiedNegatives;
        }

        return positives == 0 || negatives == 0 ? null : twice / (2.0 * positives * negatives);
    }
}
