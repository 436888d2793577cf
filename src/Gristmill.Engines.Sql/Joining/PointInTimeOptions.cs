using System.Collections.Immutable;

namespace Gristmill.Engines.Sql.Joining;

/// <summary>
/// Options of "sql.point-in-time-join": for each row of input "data", the spine, what was known at its time. Output "out" has the spine's
/// rows and columns, in their order, and the columns of the feature tables behind them: of the newest row with the same key that is not later
/// than the spine's row and not older than the time to live, or null. A null in a key or time is no match.
/// </summary>
public sealed record PointInTimeOptions
{
    /// <summary>The spine's columns whose values together are the entity.</summary>
    public required ImmutableArray<string> Keys { get; init; }

    /// <summary>
    /// The spine's column of event times: dates (midnight) or timestamps. Those without a zone are UTC.
    /// </summary>
    public required string Timestamp { get; init; }

    /// <summary>The feature tables.</summary>
    public required ImmutableArray<FeatureTableOptions> Features { get; init; }
}

/// <summary>A feature table of <see cref="PointInTimeOptions"/>.</summary>
public sealed record FeatureTableOptions
{
    /// <summary>The stage's input that has it.</summary>
    public required string Input { get; init; }

    /// <summary>Its key columns, in the order of the spine's.</summary>
    /// <value>Of the same names as the spine's.</value>
    public ImmutableArray<string>? Keys { get; init; }

    /// <summary>The column that says from when on a row is known. Of rows with equal key and time, the last of the table counts.</summary>
    /// <value>Of the same name as the spine's.</value>
    public string? Timestamp { get; init; }

    /// <summary>How old a row may be, that age included; not negative.</summary>
    /// <value>Any age.</value>
    public TimeSpan? Ttl { get; init; }

    /// <summary>The columns to take.</summary>
    /// <value>All but keys and timestamp.</value>
    public ImmutableArray<string>? Columns { get; init; }

    /// <summary>What goes before the columns' names: column "mean" becomes "PREFIX__mean".</summary>
    /// <value>Nothing.</value>
    public string? Prefix { get; init; }
}
