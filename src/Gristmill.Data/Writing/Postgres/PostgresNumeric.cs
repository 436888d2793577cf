using System.Buffers.Binary;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>PostgreSQL's numeric: digits of base 10,000, a weight of the first, a sign and a scale.</summary>
internal static class PostgresNumeric
{
    /// <summary>Bytes of the longest number of 128 bits.</summary>
    public const int MostBytes = 8 + (2 * 11);
    private static readonly UInt128[] s_powers = [.. Enumerable.Range(0, 39).Select(Power)];

    /// <summary>Writes a number.</summary>
    /// <param name="value">The number without its point.</param>
    /// <param name="scale">Its digits behind the point, from 0.</param>
    /// <param name="most">The digits behind the point that the column has; null: any.</param>
    /// <param name="to">At least <see cref="MostBytes"/>.</param>
    /// <returns>The bytes; -1: it has more digits behind the point than the column, and the server would round it.</returns>
    public static int Write(Int128 value, int scale, int? most, Span<byte> to)
    {
        var rest = value < 0 ? (UInt128)(-(value + 1)) + 1 : (UInt128)value;
        if (most < scale && (scale - most.Value > 38 ? rest != 0 : rest % s_powers[scale - most.Value] != 0))
        {
            return -1;
        }

        Span<short> digits = stackalloc short[12];
        var count = 0;
        // Points stand between digits of base 10,000: the last may have to be filled up with zeros.
        if (scale % 4 is > 0 and var odd && rest != 0)
        {
            (rest, var last) = UInt128.DivRem(rest, s_powers[odd]);
            digits[count++] = (short)((int)last * (int)s_powers[4 - odd]);
        }

        for (; rest > ulong.MaxValue; count++)
        {
            (rest, var digit) = UInt128.DivRem(rest, 10_000);
            digits[count] = (short)digit;
        }

        for (var small = (ulong)rest; small != 0; count++)
        {
            (small, var digit) = Math.DivRem(small, 10_000);
            digits[count] = (short)digit;
        }

        BinaryPrimitives.WriteInt16BigEndian(to, (short)count);
        BinaryPrimitives.WriteInt16BigEndian(to[2..], (short)(count - ((scale + 3) / 4) - 1));
        BinaryPrimitives.WriteUInt16BigEndian(to[4..], value < 0 ? (ushort)0x4000 : (ushort)0);
        BinaryPrimitives.WriteInt16BigEndian(to[6..], (short)scale);
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt16BigEndian(to[(8 + (2 * i))..], digits[count - 1 - i]);
        }

        return 8 + (2 * count);
    }

    private static UInt128 Power(int exponent)
    {
        UInt128 power = 1;
        for (; exponent > 0; exponent--)
        {
            power *= 10;
        }

        return power;
    }
}
