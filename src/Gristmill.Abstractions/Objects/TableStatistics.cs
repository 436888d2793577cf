using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>What a table holds, computed while it was written.</summary>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns, in order.</param>
public sealed record TableStatistics(long Rows, IReadOnlyList<ColumnStatistics> Columns);

/// <summary>What a column holds. Counts, nulls, smallest, largest and mean are exact; what else there is is estimated.</summary>
public sealed record ColumnStatistics
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Rows without a value.</summary>
    public long Nulls { get; init; }

    /// <summary>Of numbers: values that are not a number. They count in nothing else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long NotNumbers { get; init; }

    /// <summary>The smallest value as text: numbers as invariant text, times by ISO 8601, texts by their bytes and cut after 64; null where there is none, or the type has no order.</summary>
    public string? Min { get; init; }

    /// <summary>The largest value, as <see cref="Min"/>.</summary>
    public string? Max { get; init; }

    /// <summary>Of numbers: their mean; of booleans the share of true.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public double? Mean { get; init; }

    /// <summary>Of numbers: the standard deviation of the values (divided by their count).</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public double? StandardDeviation { get; init; }

    /// <summary>Of numbers: the values below which 1, 5, 25, 50, 75, 95 and 99 % lie, their ranks within about 1 %.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public IReadOnlyList<double>? Quantiles { get; init; }

    /// <summary>Different values, within about 2 %.</summary>
    public long? Distinct { get; init; }

    /// <summary>The most frequent values, and how often they occur; of large tables from a sample.</summary>
    public IReadOnlyList<ValueCount>? Top { get; init; }
}

/// <summary>A value and how often it occurs.</summary>
/// <param name="Value">The value as text; of long texts their beginning and an ellipsis.</param>
/// <param name="Count">How often, roughly: never too high by more than a sample's error.</param>
public sealed record ValueCount(string Value, long Count);
