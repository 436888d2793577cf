using Apache.Arrow;
using Gristmill.Objects.Statistics;

namespace Gristmill.Objects;

/// <summary>What a segment's footer says.</summary>
public sealed record ObjectDescription
{
    /// <summary>The reference; null if it is not sealed, damaged, or written by another program, which keeps no count of its rows.</summary>
    public ObjectRef? Ref { get; init; }

    /// <summary>The schema; null if it is not sealed or damaged.</summary>
    public Schema? Schema { get; init; }

    /// <summary>Number of record batches.</summary>
    public int Batches { get; init; }

    /// <summary>What made it (<see cref="ObjectOwner"/>); null: unknown.</summary>
    public string? Owner { get; init; }

    /// <summary>When it was sealed; null if that is not written in it.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>What it holds, computed when it came in from outside; null for tables that stages made.</summary>
    public TableStatistics? Statistics => StatisticsCollector.Parse(StatisticsText);

    /// <summary>The same as it stands there: few who list objects ask for it.</summary>
    internal string? StatisticsText { get; init; }

    /// <summary>Why a sealed segment cannot be read; null: it can, or is not sealed.</summary>
    public string? Problem { get; init; }
}
