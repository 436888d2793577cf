using System.Collections.Immutable;
using Gristmill.Grains.Triggers;
using Orleans.Concurrency;

namespace Gristmill.Grains.Partitions;

/// <summary>Some of a pipeline's partitions, keyed "pipeline/shard".</summary>
[Alias("gristmill.IPartitionShardGrain")]
internal interface IPartitionShardGrain : IGrainWithStringKey
{
    /// <summary>What is known of those that anything is known of.</summary>
    [Alias("Get")]
    Task<ImmutableDictionary<string, PartitionEntry>> GetAsync();

    /// <summary>A run for these keys has ended; again changes nothing.</summary>
    [Alias("RunEnded")]
    Task OnRunEndedAsync(ImmutableArray<string> keys, RunEnded run);

    /// <summary>Marks those of these keys that were made.</summary>
    /// <returns>How many that are.</returns>
    [Alias("MarkStale")]
    Task<int> MarkStaleAsync(ImmutableArray<string> keys, DateTimeOffset at, string? reason);
}

/// <summary>What the control plane asks of a backfill.</summary>
[Alias("gristmill.IBackfillControlGrain")]
internal interface IBackfillControlGrain : IGrainWithStringKey
{
    /// <summary>Decides which partitions are made, stores that and starts; again changes nothing.</summary>
    [Alias("Begin")]
    Task<BackfillView> BeginAsync(string pipeline, BackfillRequest request);

    /// <summary>Goes on where it is, also after ends of runs that it was not told of.</summary>
    [Alias("Wake")]
    Task WakeAsync();

    /// <summary>A run of the pipeline has ended; may be told more than once. Returns once what is done about it is stored.</summary>
    /// <returns>Whether it is under way still.</returns>
    [Alias("RunEnded"), AlwaysInterleave]
    Task<bool> OnRunEndedAsync(RunEnded run);
}
