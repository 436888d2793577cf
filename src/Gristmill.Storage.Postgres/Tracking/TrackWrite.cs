namespace Gristmill.Storage.Postgres;

/// <summary>One thing that is put in. It is sent again if the connection was lost; the batch it is of tells whether it had arrived.</summary>
/// <param name="runId">The run, of which a batch locks the row before it changes anything.</param>
internal abstract class TrackWrite(string runId)
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string RunId { get; } = PostgresText.Encode(runId);

    /// <summary>When it was queued, as <see cref="System.Diagnostics.Stopwatch"/> tells.</summary>
    public long Queued { get; set; }

    /// <summary>About how much memory it holds.</summary>
    public abstract long Bytes { get; }

    /// <summary>Names that it needs the numbers of.</summary>
    public abstract IEnumerable<string> Names { get; }

    public Task<bool> Done => _done.Task;

    public void Complete(bool result) => _done.TrySetResult(result);

    public void Fail(Exception exception) => _done.TrySetException(exception);
}

/// <summary>What an attempt logged.</summary>
internal sealed class AppendWrite(TrackBatch batch) : TrackWrite(batch.RunId)
{
    public TrackBatch Batch => batch;

    public override long Bytes { get; } = 256
        + batch.Metrics.Sum(static block => 128L + (block.Points.Length * TrackingBatch.PointBytes))
        + batch.Parameters.Concat(batch.Tags).Sum(static pair => 128L + pair.Key.Length + pair.Value.Length) + (512L * batch.Artifacts.Count);

    public override IEnumerable<string> Names =>
    [
        batch.Stage, .. batch.Metrics.SelectMany(block => new[] { block.Name, $"{batch.Stage}.{block.Name}" }),
        .. batch.Parameters.Concat(batch.Tags).Select(static pair => pair.Key),
    ];
}

/// <summary>How a run stands.</summary>
internal sealed class RunWrite(RunProjection projection) : TrackWrite(projection.Run.Id)
{
    public RunProjection Projection => projection;

    public override long Bytes { get; } = 512 + projection.Run.Parameters.Sum(static pair => 128L + pair.Key.Length + pair.Value.Length) + projection.Metrics.Sum(static stage => 256L * (1 + stage.Values.Count));

    public override IEnumerable<string> Names =>
    [
        .. projection.Run.Parameters.Keys,
        .. projection.Metrics.SelectMany(static stage => stage.Values.Keys.SelectMany(name => new[] { name, $"{stage.Stage}.{name}" }).Append(stage.Stage)),
    ];
}

/// <summary>Tags from outside.</summary>
internal sealed class TagsWrite(string runId, IReadOnlyDictionary<string, string?> tags) : TrackWrite(runId)
{
    public IReadOnlyDictionary<string, string?> Tags => tags;

    public override long Bytes { get; } = 256 + tags.Sum(static pair => 128L + pair.Key.Length + (pair.Value?.Length ?? 0));

    public override IEnumerable<string> Names => tags.Keys;
}

/// <summary>Takes some of a run out; whether there is more is its result.</summary>
internal sealed class RemoveWrite(string runId) : TrackWrite(runId)
{
    public override long Bytes => 256;

    public override IEnumerable<string> Names => [];
}
