namespace Gristmill.Engines.Sql.Interop;

/// <summary>16-bit decimals to 128.</summary>
internal readonly struct FromInt16 : IValueConverter<short, Int128>
{
    public static bool TryConvert(short value, out Int128 converted)
    {
        converted = value;
        return true;
    }
}

/// <summary>32-bit decimals to 128.</summary>
internal readonly struct FromInt32 : IValueConverter<int, Int128>
{
    public static bool TryConvert(int value, out Int128 converted)
    {
        converted = value;
        return true;
    }
}

/// <summary>64-bit decimals to 128.</summary>
internal readonly struct FromInt64 : IValueConverter<long, Int128>
{
    public static bool TryConvert(long value, out Int128 converted)
    {
        converted = value;
        return true;
    }
}

/// <summary>HUGEINT to decimal128(38, 0), which holds 38 digits of its 39.</summary>
internal readonly struct FromHugeInt : IValueConverter<Int128, Int128>
{
    /// <summary>10^38.</summary>
    public static readonly Int128 Bound = Int128.Parse("100000000000000000000000000000000000000", System.Globalization.CultureInfo.InvariantCulture);

    public static bool TryConvert(Int128 value, out Int128 converted)
    {
        converted = value;
        return value < Bound && value > -Bound;
    }
}

/// <summary>UHUGEINT to decimal128(38, 0).</summary>
internal readonly struct FromUHugeInt : IValueConverter<UInt128, Int128>
{
    public static bool TryConvert(UInt128 value, out Int128 converted)
    {
        converted = (Int128)value;
        return value < (UInt128)FromHugeInt.Bound;
    }
}

/// <summary>DuckDB's INTERVAL counts microseconds where Arrow's counts nanoseconds.</summary>
internal readonly struct FromInterval : IValueConverter<DuckInterval, DuckInterval>
{
    public static bool TryConvert(DuckInterval value, out DuckInterval converted)
    {
        var nanoseconds = unchecked(value.Fraction * 1000);
        converted = value with { Fraction = nanoseconds };
        return nanoseconds / 1000 == value.Fraction;
    }
}

/// <summary>The layout of an interval, in DuckDB and in Arrow.</summary>
/// <param name="Months">Months.</param>
/// <param name="Days">Days.</param>
/// <param name="Fraction">Microseconds, or nanoseconds.</param>
internal readonly record struct DuckInterval(int Months, int Days, long Fraction);
