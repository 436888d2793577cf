using Orleans.Concurrency;

namespace Gristmill;

/// <summary>The partitions of a pipeline, keyed by its name.</summary>
[Alias("gristmill.IPartitionsGrain")]
public interface IPartitionsGrain : IGrainWithStringKey
{
    /// <summary>What is there, missing, failed or stale.</summary>
    [Alias("List"), AlwaysInterleave]
    Task<PartitionPage> ListAsync(PartitionQuery query);
    /// <summary>Says that partitions must be made anew, as their data changed.</summary>
    /// <param name="partitions">A key, a range, or "*".</param>
    /// <param name="reason">For people; at most 200 characters.</param>
    /// <returns>How many are stale by it: those that were made.</returns>
    [Alias("MarkStale"), AlwaysInterleave]
    Task<int> MarkStaleAsync(string partitions, string? reason);
    /// <summary>Starts a backfill and returns once it is durable.</summary>
    [Alias("StartBackfill")]
    Task<BackfillView> StartBackfillAsync(BackfillRequest request);
    /// <summary>The newest backfills, newest first, at most 50.</summary>
    [Alias("ListBackfills"), AlwaysInterleave]
    Task<IReadOnlyList<BackfillView>> ListBackfillsAsync();
}

/// <summary>One backfill, keyed by its id.</summary>
[Alias("gristmill.IBackfillGrain")]
public interface IBackfillGrain : IGrainWithStringKey
{
    /// <summary>The backfill, or null.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<BackfillView?> GetAsync();
    /// <summary>Cancels it with its runs that are under way; again changes nothing.</summary>
    [Alias("Cancel")]
    Task<BackfillView> CancelAsync();
}
