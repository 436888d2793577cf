using System.Runtime.CompilerServices;

namespace Gristmill;

/// <summary>A feature table of <see cref="PipelineBuilder.PointInTimeJoin"/>: rows that say what was known of an entity from a time on.</summary>
public sealed class FeatureTable
{
    /// <summary>Says how a table is joined.</summary>
    /// <param name="rows">The table. Of rows with equal keys and time, the last counts.</param>
    /// <param name="ttl">How old a row may be at the time of the spine's row, that age included; null: any age.</param>
    /// <param name="timestamp">Its column of times, dates (midnight) or timestamps (without a zone: UTC); null: named as the spine's.</param>
    /// <param name="keys">Its key columns, in the order of the spine's; null: named as the spine's.</param>
    /// <param name="columns">The columns to take; null: all but keys and timestamp.</param>
    /// <param name="prefix">Column "mean" becomes "PREFIX__mean"; null: names stay.</param>
    /// <param name="rowsName">Left to the compiler.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the time to live is negative.</exception>
    public FeatureTable(Table rows, TimeSpan? ttl = null, string? timestamp = null, IReadOnlyCollection<string>? keys = null,
        IReadOnlyCollection<string>? columns = null, string? prefix = null, [CallerArgumentExpression(nameof(rows))] string? rowsName = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (ttl < TimeSpan.Zero)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The time to live of a feature table is {ttl:c}.", "It must not be negative; null is any age.");
        }

        rows.Suggest(rowsName);
        (Rows, Ttl, Timestamp, Keys, Columns, Prefix) = (rows, ttl, timestamp, keys, columns, prefix);
    }

    internal Table Rows { get; }

    internal TimeSpan? Ttl { get; }

    internal string? Timestamp { get; }

    internal IReadOnlyCollection<string>? Keys { get; }

    internal IReadOnlyCollection<string>? Columns { get; }

    internal string? Prefix { get; }
}
