namespace Gristmill;

/// <summary>Some of what one attempt logged, in order.</summary>
public sealed record TrackBatch
{
    /// <summary>The run.</summary>
    public required string RunId { get; init; }
    /// <summary>The stage.</summary>
    public required string Stage { get; init; }
    /// <summary>The attempt: a later one replaces what it logs again.</summary>
    public required int Attempt { get; init; }
    /// <summary>Points by metric; a metric occurs once.</summary>
    public IReadOnlyList<MetricBlock> Metrics { get; init; } = [];
    /// <summary>Parameters, the newest value last.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Parameters { get; init; } = [];
    /// <summary>Tags, the newest value last.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];
    /// <summary>Artifacts, the newest of a path last.</summary>
    public IReadOnlyList<TrackedArtifact> Artifacts { get; init; } = [];
}

/// <summary>Points of one metric.</summary>
/// <param name="Name">The metric's name.</param>
/// <param name="Points">At least one, in the order they were logged.</param>
public sealed record MetricBlock(string Name, ReadOnlyMemory<MetricPoint> Points);

/// <summary>A file beside a run. Its content is a folder of the content store with this one file in it.</summary>
/// <param name="Path">Its path among the run's artifacts.</param>
/// <param name="Digest">The folder's name in the content store.</param>
/// <param name="Bytes">Size of the file in bytes.</param>
/// <param name="Time">When it was logged, in milliseconds since 1970 (UTC).</param>
/// <param name="Stage">The stage that logged it.</param>
public sealed record TrackedArtifact(string Path, string Digest, long Bytes, long Time, string Stage = "");
