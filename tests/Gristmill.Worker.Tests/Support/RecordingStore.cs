using System.Collections.Concurrent;

namespace Gristmill.Worker.Tests;

/// <summary>Takes what attempts log; a test may hold its answers back, or have it refuse.</summary>
public sealed class RecordingStore : ITrackingStore
{
    private readonly ConcurrentQueue<TrackBatch> _batches = new();

    /// <summary>Appends complete with this; completed unless a test sets another.</summary>
    public Task Answer { get; set; } = Task.CompletedTask;

    public IEnumerable<TrackBatch> Of(string run) => _batches.Where(batch => batch.RunId == run);

    public MetricPoint[] Points(string run, string metric) =>
        [.. Of(run).SelectMany(static batch => batch.Metrics).Where(block => block.Name == metric).SelectMany(static block => block.Points.ToArray())];

    public Task AppendAsync(TrackBatch batch)
    {
        _batches.Enqueue(batch);
        return Answer;
    }

    public Task PutRunAsync(RunProjection run) => throw new NotSupportedException();

    public Task SetTagsAsync(string runId, IReadOnlyDictionary<string, string?> tags) => throw new NotSupportedException();

    public Task RemoveRunAsync(string runId) => throw new NotSupportedException();

    public Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<RunRecord>> GetRunsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<MetricLatest>> ListMetricsAsync(string runId, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<MetricSeries>> GetHistoryAsync(MetricQuery query, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<TrackedArtifact>> ListArtifactsAsync(string runId, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<RebuildClaim> ClaimRebuildAsync(TimeSpan lease, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task CompleteRebuildAsync() => throw new NotSupportedException();
}
