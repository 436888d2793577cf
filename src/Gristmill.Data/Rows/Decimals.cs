using System.Globalization;

namespace Gristmill.Data.Rows;

/// <summary>Arrow's decimals of 128 bits, which are integers and a scale, and C#'s.</summary>
internal static class Decimals
{
    private static readonly Int128 s_largest = ((Int128)1 << 96) - 1;
    private static readonly double[] s_powers = [.. Enumerable.Range(0, 39).Select(static i => double.Parse($"1e{i}", CultureInfo.InvariantCulture))];

    public static decimal ToDecimal(Int128 value, int scale)
    {
        var negative = value < 0;
        var digits = (UInt128)(negative ? -value : value);
        return new decimal((int)(uint)digits, (int)(uint)(digits >> 32), (int)(uint)(digits >> 64), negative, (byte)scale);
    }

    public static double ToDouble(Int128 value, int scale) => (double)value / s_powers[scale];

    public static long ToLong(Int128 value) => (long)value;

    /// <summary>The first that C#'s decimal cannot hold, or -1.</summary>
    public static int FirstTooLong(ReadOnlySpan<Int128> values, int scale)
    {
        for (var row = 0; row < values.Length; row++)
        {
            if (values[row] > s_largest || values[row] < -s_largest || (scale > 28 && values[row] != 0))
            {
                return row;
            }
        }

        return -1;
    }

    /// <summary>The integer of a decimal at a scale.</summary>
    /// <exception cref="OverflowException">It has more digits behind the point, or does not fit the precision.</exception>
    public static Int128 FromDecimal(decimal value, int precision, int scale)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        var digits = (Int128)new UInt128((uint)bits[2], ((ulong)(uint)bits[1] << 32) | (uint)bits[0]);
        var own = (bits[3] >> 16) & 0xFF;
        for (; own < scale; own++)
        {
            digits = checked(digits * 10);
        }

        for (; own > scale; own--)
        {
            var (shorter, rest) = Int128.DivRem(digits, 10);
            digits = rest == 0 ? shorter : throw new OverflowException($"{value.ToString(CultureInfo.InvariantCulture)} has more than {scale} digits behind the point");
        }

        if (precision < 38 && digits >= Power(precision))
        {
            throw new OverflowException($"{value.ToString(CultureInfo.InvariantCulture)} has more than {precision} digits");
        }

        return bits[3] < 0 ? -digits : digits;
    }

    private static Int128 Power(int exponent)
    {
        Int128 power = 1;
        for (var i = 0; i < exponent; i++)
        {
            power *= 10;
        }

        return power;
    }
}
