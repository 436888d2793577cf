using System.Collections.Immutable;

namespace Gristmill;

/// <summary>
/// How a pipeline is partitioned: by one dimension or two, of any kinds. A run is for one partition or a range of them, and gets
/// its keys and times as parameters: for a dimension "month" these are <c>month</c>, and if it is one of time <c>month-start</c>
/// and <c>month-end</c> (dates, the end excluded), which the pipeline must have.
/// </summary>
[GenerateSerializer, Immutable, Alias("gristmill.PartitionSpec")]
public sealed record PartitionSpec
{
    /// <summary>One dimension, or two, in the order of their keys: <c>2001-04/ATL</c>.</summary>
    [Id(0)] public ImmutableArray<PartitionDimension> Dimensions { get; init; } = [];
    /// <summary>
    /// Pipelines whose partition of the same key each partition is made of: made anew there, it is stale here.
    /// </summary>
    [Id(1)] public ImmutableArray<string> Upstream { get; init; } = [];
}

/// <summary>What a dimension goes by.</summary>
public enum PartitionKind
{
    /// <summary>Days, with keys such as "2001-04-05".</summary>
    Day = 0,
    /// <summary>ISO weeks from Monday, with keys such as "2001-W14".</summary>
    Week = 1,
    /// <summary>Months, with keys such as "2001-04".</summary>
    Month = 2,
    /// <summary>Keys that are listed.</summary>
    Static = 3,
}

/// <summary>One dimension of a partitioned pipeline.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.PartitionDimension")]
public sealed record PartitionDimension
{
    /// <summary>Its name, which is also the parameter that gets the key.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>What it goes by.</summary>
    [Id(1)] public required PartitionKind Kind { get; init; }
    /// <summary>For time: a day of the first partition.</summary>
    [Id(2)] public DateOnly? From { get; init; }
    /// <summary>For time: the day after the last partition's; null: those that have ended by now.</summary>
    [Id(3)] public DateOnly? To { get; init; }
    /// <summary>For static keys: the keys, each a name.</summary>
    [Id(4)] public ImmutableArray<string> Keys { get; init; } = [];
}
