using System.Numerics;

namespace Gristmill.Objects.Statistics;

/// <summary>
/// Estimates how many different values there are in a few KiB, within 1.6 % in two cases of three (1.04 / sqrt(4096)); few values are counted by linear counting.
/// Source: Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, 2007.
/// </summary>
internal sealed class HyperLogLog
{
    private const int Bits = 12, Registers = 1 << Bits;
    private readonly byte[] _registers = new byte[Registers];

    /// <summary>Adds a value by its hash, whose bits must all be as good as random.</summary>
    public void Add(ulong hash)
    {
        ref byte register = ref _registers[hash >> (64 - Bits)];
        int rank = BitOperations.LeadingZeroCount((hash << Bits) | 1UL << (Bits - 1)) + 1;
        if (rank > register)
        {
            register = (byte)rank;
        }
    }

    /// <summary>Different values, roughly.</summary>
    public long Estimate()
    {
        double sum = 0;
        int empty = 0;
        foreach (byte register in _registers)
        {
            sum += 1.0 / (1UL << register);
            empty += register == 0 ? 1 : 0;
        }

        const double Alpha = 0.7213 / (1 + 1.079 / Registers);
        double raw = Alpha * Registers * Registers / sum;
        return (long)Math.Round(raw <= 2.5 * Registers && empty > 0 ? Registers * Math.Log((double)Registers / empty) : raw);
    }
}
