using System.Collections.Concurrent;

namespace Gristmill.Grains.Testing;

/// <summary>The part of a tracking store that grains use, in memory; a test may have it refuse.</summary>
internal sealed class IndexStore : ITrackingStore
{
    public ConcurrentQueue<RunProjection> Puts { get; } = new();

    public ConcurrentDictionary<string, IReadOnlyDictionary<string, string?>> Tags { get; } = new();

    /// <summary>Whether a run is refused now.</summary>
    public Func<RunProjection, bool> Refuses { get; set; } = static _ => false;

    public RunProjection? Newest(string run) => Puts.Where(put => put.Run.Id == run).MaxBy(static put => put.Sequence);

    public Task PutRunAsync(RunProjection run)
    {
        if (Refuses(run))
        {
            return Task.FromException(new GristmillException(ErrorCodes.StoreFull, "no room"));
        }

        Puts.Enqueue(run);
        return Task.CompletedTask;
    }

    public Task SetTagsAsync(string runId, IReadOnlyDictionary<string, string?> tags)
    {
        Tags[runId] = tags;
        return Task.CompletedTask;
    }

    /// <summary>Runs that were taken out, and how often.</summary>
    public ConcurrentDictionary<string, int> Removed { get; } = new();

    /// <summary>Whether taking a run out is refused now.</summary>
    public Func<string, bool> RefusesRemoval { get; set; } = static _ => false;

    public Task RemoveRunAsync(string runId)
    {
        if (RefusesRemoval(runId))
        {
            return Task.FromException(new GristmillException(ErrorCodes.StoreFull, "no room"));
        }

        Removed.AddOrUpdate(runId, 1, static (_, times) => times + 1);
        return Task.CompletedTask;
    }

    public Task AppendAsync(TrackBatch batch) => throw new NotSupportedException();

    public Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<RunRecord>> GetRunsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<MetricLatest>> ListMetricsAsync(string runId, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<MetricSeries>> GetHistoryAsync(MetricQuery query, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<TrackedArtifact>> ListArtifactsAsync(string runId, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<RebuildClaim> ClaimRebuildAsync(TimeSpan lease, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task CompleteRebuildAsync() => throw new NotSupportedException();
}
