using System.Collections.Immutable;

namespace Gristmill.Grains.Partitions;

/// <summary>What is known of one partition.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.state.Partition")]
internal sealed record PartitionEntry
{
    /// <summary>The run that made it, or null.</summary>
    [Id(0)] public string? Run { get; init; }
    [Id(1)] public DateTimeOffset? Made { get; init; }
    /// <summary>When that run began: what became newer since is not in it.</summary>
    [Id(2)] public DateTimeOffset Began { get; init; }
    [Id(3)] public string? Version { get; init; }
    /// <summary>The run that failed, if it is newer than the one that made it.</summary>
    [Id(4)] public string? FailedRun { get; init; }
    [Id(5)] public string? FailedReason { get; init; }
    /// <summary>When and why somebody said that it is stale.</summary>
    [Id(6)] public DateTimeOffset? Marked { get; init; }
    [Id(7)] public string? MarkedReason { get; init; }
    /// <summary>As in <see cref="RunStart.CodeVersion"/>; null in what was stored before there was one.</summary>
    [Id(8)] public string? CodeVersion { get; init; }
}

/// <summary>Some of a pipeline's partitions, by key.</summary>
[GenerateSerializer, Alias("gristmill.state.PartitionShard")]
internal sealed record PartitionShardState
{
    [Id(0)] public ImmutableDictionary<string, PartitionEntry> Entries { get; init; } = ImmutableDictionary<string, PartitionEntry>.Empty;
}

/// <summary>A pipeline's newest backfills.</summary>
[GenerateSerializer, Alias("gristmill.state.Partitions")]
internal sealed record PartitionsState
{
    /// <summary>Ids, oldest first.</summary>
    [Id(0)] public ImmutableArray<string> Backfills { get; init; } = [];
}

/// <summary>What a backfill is to do: written once.</summary>
[GenerateSerializer, Alias("gristmill.state.BackfillPlan")]
internal sealed record BackfillPlan
{
    [Id(0)] public string? Pipeline { get; init; }
    [Id(1)] public BackfillRequest? Request { get; init; }
    [Id(2)] public ImmutableArray<string> Keys { get; init; } = [];
    [Id(3)] public DateTimeOffset Created { get; init; }
}

/// <summary>How far a backfill is: small, as it is written for each run.</summary>
[GenerateSerializer, Alias("gristmill.state.BackfillProgress")]
internal sealed record BackfillProgress
{
    /// <summary>Keys before this one have been begun.</summary>
    [Id(0)] public int Next { get; init; }
    /// <summary>Keys under way by their number in the plan, each with its run, or "" until that is known.</summary>
    [Id(1)] public ImmutableSortedDictionary<int, string> Active { get; init; } = ImmutableSortedDictionary<int, string>.Empty;
    [Id(2)] public int Succeeded { get; init; }
    [Id(3)] public int Failed { get; init; }
    [Id(4)] public ImmutableDictionary<string, string> Failures { get; init; } = ImmutableDictionary<string, string>.Empty;
    [Id(5)] public bool CancelRequested { get; init; }
    [Id(6)] public DateTimeOffset? Ended { get; init; }
}
