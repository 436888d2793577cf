namespace Gristmill.Engines.Features;

/// <summary>A number, boolean or instant as a value to look up: whole numbers by their value, so that 1 and 1.0 are one key; others by their bits.</summary>
internal readonly record struct NumberKey(long Bits, bool Fraction)
{
    public static NumberKey Of(double value) =>
        // The cast is exact for whole doubles in this range; NaN fails the comparison.
        Math.Floor(value) == value && value is >= -9223372036854775808.0 and < 9223372036854775808.0
            ? new NumberKey((long)value, false)
            : new NumberKey(BitConverter.DoubleToInt64Bits(value), true);

    // long's own hash is the exclusive or of its halves, which round numbers of microseconds or doubles share too often.
    public override int GetHashCode() => (int)(((ulong)Bits * 0x9E3779B97F4A7C15) >> 32) ^ (Fraction ? 1 : 0);

    public double Value => Fraction ? BitConverter.Int64BitsToDouble(Bits) : Bits;
}
