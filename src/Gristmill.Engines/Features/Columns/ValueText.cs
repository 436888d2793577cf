using System.Globalization;

namespace Gristmill.Engines.Features;

/// <summary>Values of number, boolean and timestamp columns as text, and back.</summary>
internal static class ValueText
{
    public static string Format(ColumnType type, NumberKey key) => type switch
    {
        ColumnType.Boolean => key.Bits != 0 ? "true" : "false",
        ColumnType.Timestamp => DateTime.UnixEpoch.AddTicks(key.Bits * 10).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture),
        _ => key.Fraction ? key.Value.ToString("R", CultureInfo.InvariantCulture) : key.Bits.ToString(CultureInfo.InvariantCulture),
    };

    /// <exception cref="FormatException">The text is no value of the type.</exception>
    public static NumberKey Parse(ColumnType type, string text) => type switch
    {
        ColumnType.Boolean => new NumberKey(bool.Parse(text) ? 1 : 0, false),
        ColumnType.Timestamp => new NumberKey(
            (DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal).Ticks
                - DateTime.UnixEpoch.Ticks) / 10, false),
        _ => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
            ? new NumberKey(whole, false)
            : NumberKey.Of(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)),
    };
}
