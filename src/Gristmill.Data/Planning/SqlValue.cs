using System.Globalization;

namespace Gristmill.Data.Planning;

/// <summary>A value that a query binds: as text, which the query casts to its type, so that the query's columns have types before it is bound.</summary>
/// <param name="Type">DuckDB's type.</param>
/// <param name="Text">The value; null: NULL.</param>
internal sealed record SqlValue(string Type, string? Text)
{
    /// <summary>Whether a value can be bound.</summary>
    public static SqlValue? TryOf(object? value) => value switch
    {
        null => new("VARCHAR", null),
        string text => new("VARCHAR", text),
        char character => new("VARCHAR", character.ToString()),
        bool flag => new("BOOLEAN", flag ? "true" : "false"),
        sbyte or short or int => new("INTEGER", Invariant(value)),
        byte or ushort => new("INTEGER", Invariant(value)),
        uint or long => new("BIGINT", Invariant(value)),
        ulong => new("UBIGINT", Invariant(value)),
        Int128 => new("HUGEINT", Invariant(value)),
        float number => new("FLOAT", number.ToString("R", CultureInfo.InvariantCulture)),
        double number => new("DOUBLE", number.ToString("R", CultureInfo.InvariantCulture)),
        decimal number => new(string.Create(CultureInfo.InvariantCulture, $"DECIMAL(38, {Math.Min((int)number.Scale, 28)})"), Invariant(number)),
        DateOnly day => new("DATE", day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        TimeOnly time => new("TIME", time.ToString("HH:mm:ss.ffffff", CultureInfo.InvariantCulture)),
        DateTime { Kind: DateTimeKind.Unspecified } time => new("TIMESTAMP", time.ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture)),
        DateTime time => new("TIMESTAMPTZ", time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss.ffffff+00", CultureInfo.InvariantCulture)),
        DateTimeOffset time => new("TIMESTAMPTZ", time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff+00", CultureInfo.InvariantCulture)),
        TimeSpan span => new("INTERVAL", string.Create(CultureInfo.InvariantCulture, $"{span.Ticks / TimeSpan.TicksPerMicrosecond} microseconds")),
        Guid id => new("UUID", id.ToString()),
        Enum name => new("VARCHAR", name.ToString()),
        _ => null,
    };

    private static string? Invariant(object value) => Convert.ToString(value, CultureInfo.InvariantCulture);
}
