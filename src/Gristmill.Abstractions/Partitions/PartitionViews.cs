using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>How a partition stands.</summary>
public enum PartitionStatus
{
    /// <summary>Never made.</summary>
    Missing = 0,
    /// <summary>A run for it is under way.</summary>
    Running = 1,
    /// <summary>Made, and nothing it was made of is newer.</summary>
    Ready = 2,
    /// <summary>Made, but what it was made of is newer, or somebody said so.</summary>
    Stale = 3,
    /// <summary>The last run for it failed.</summary>
    Failed = 4,
}

/// <summary>One partition.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.PartitionView")]
public sealed record PartitionView
{
    /// <summary>Its key.</summary>
    [Id(0)] public required string Key { get; init; }
    /// <summary>How it stands.</summary>
    [Id(1)] public required PartitionStatus Status { get; init; }
    /// <summary>The run that made it, or that failed or is under way; null if there was none.</summary>
    [Id(2)] public string? Run { get; init; }
    /// <summary>When it was made, or null.</summary>
    [Id(3)] public DateTimeOffset? Made { get; init; }
    /// <summary>The pipeline's version that made it, or null.</summary>
    [Id(4)] public string? Version { get; init; }
    /// <summary>Why it is stale or failed, or null.</summary>
    [Id(5)] public string? Reason { get; init; }
}

/// <summary>A page of a pipeline's partitions.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.PartitionPage")]
public sealed record PartitionPage
{
    /// <summary>How the pipeline is partitioned.</summary>
    [Id(0)] public required PartitionSpec Spec { get; init; }
    /// <summary>The partitions of the page, in order.</summary>
    [Id(1)] public ImmutableArray<PartitionView> Items { get; init; } = [];
    /// <summary>How many of all there are, by status.</summary>
    [Id(2)] public ImmutableDictionary<PartitionStatus, int> Counts { get; init; } = ImmutableDictionary<PartitionStatus, int>.Empty;
    /// <summary>Where the next page begins, or null if this is the last.</summary>
    [Id(3)] public string? Next { get; init; }
}

/// <summary>Asks for partitions.</summary>
/// <param name="Range">Only these: a key, a range, "*"; null: all.</param>
/// <param name="Status">Only those that stand so; null: all.</param>
/// <param name="Limit">At most so many, 1 to 1,000.</param>
/// <param name="After">Only those that come after this key, for paging.</param>
[GenerateSerializer, Immutable, Alias("gristmill.PartitionQuery")]
public sealed record PartitionQuery(
    [property: Id(0)] string? Range = null, [property: Id(1)] PartitionStatus? Status = null, [property: Id(2)] int Limit = 200, [property: Id(3)] string? After = null);

/// <summary>Which partitions of a range a backfill makes.</summary>
public enum BackfillSelection
{
    /// <summary>Those that were never made, or whose last run failed.</summary>
    Missing = 0,
    /// <summary>Those whose last run failed.</summary>
    Failed = 1,
    /// <summary>Those that are stale.</summary>
    Stale = 2,
    /// <summary>All but those that are ready and whose run is under way.</summary>
    Needed = 3,
    /// <summary>All.</summary>
    All = 4,
}

/// <summary>Asks for a backfill.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.BackfillRequest")]
public sealed record BackfillRequest
{
    /// <summary>The range, such as "2001-01..2001-06".</summary>
    [Id(0)] public required string Partitions { get; init; }
    /// <summary>Which of them.</summary>
    /// <value>Missing</value>
    [Id(1)] public BackfillSelection Select { get; init; }
    /// <summary>Runs at once, 1 to 100.</summary>
    /// <value>2</value>
    [Id(2)] public int Parallel { get; init; } = 2;
    /// <summary>Parameters of the runs, JSON literals as text.</summary>
    [Id(3), JsonConverter(typeof(RawJsonMapConverter))] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>Two requests with one key make one backfill; null: each makes one.</summary>
    [Id(4)] public string? IdempotencyKey { get; init; }
}

/// <summary>A backfill as it stands.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.BackfillView")]
public sealed record BackfillView
{
    /// <summary>Its id.</summary>
    [Id(0)] public required string Id { get; init; }
    /// <summary>The pipeline.</summary>
    [Id(1)] public required string Pipeline { get; init; }
    /// <summary>What was asked for.</summary>
    [Id(2)] public required BackfillRequest Request { get; init; }
    /// <summary>Where it is; failed if any run failed.</summary>
    [Id(3)] public required RunStatus Status { get; init; }
    /// <summary>Partitions in all.</summary>
    [Id(4)] public int Total { get; init; }
    /// <summary>Partitions made.</summary>
    [Id(5)] public int Succeeded { get; init; }
    /// <summary>Partitions whose run failed, was refused or was cancelled.</summary>
    [Id(6)] public int Failed { get; init; }
    /// <summary>Runs under way, by partition.</summary>
    [Id(7)] public ImmutableDictionary<string, string> Running { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>The newest failures, by partition: the run's id, or why there is none. At most 100.</summary>
    [Id(8)] public ImmutableDictionary<string, string> Failures { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>When it was accepted.</summary>
    [Id(9)] public required DateTimeOffset Created { get; init; }
    /// <summary>When it ended, or null.</summary>
    [Id(10)] public DateTimeOffset? Ended { get; init; }
}
