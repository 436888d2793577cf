using System.Collections.Concurrent;

namespace Gristmill;

/// <summary>
/// Takes what is logged while it is open, for tests that call a stage's method by itself:
/// <c>using var log = new TrackRecorder(); Train(data); Assert.Equal(4, log.Metrics["loss"].Count);</c>
/// </summary>
public sealed class TrackRecorder : Tracker, IDisposable
{
    private readonly ConcurrentDictionary<string, List<MetricPoint>> _metrics = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _parameters = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _tags = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte[]> _artifacts = new(StringComparer.Ordinal);
    private readonly IDisposable _scope;

    /// <summary>Opens it: calls of <see cref="Track"/> from here on are recorded.</summary>
    public TrackRecorder() => _scope = Track.Use(this);

    /// <summary>The points of each metric, in the order they were logged.</summary>
    public IReadOnlyDictionary<string, List<MetricPoint>> Metrics => _metrics;

    /// <summary>The parameters.</summary>
    public IReadOnlyDictionary<string, string> Parameters => _parameters;

    /// <summary>The tags.</summary>
    public IReadOnlyDictionary<string, string> Tags => _tags;

    /// <summary>The content of artifacts and figures, by path.</summary>
    public IReadOnlyDictionary<string, byte[]> Artifacts => _artifacts;

    /// <inheritdoc/>
    public override void Metric(string name, double value, long? step = null)
    {
        TrackRules.RequireName(name, "metric");
        var points = _metrics.GetOrAdd(name, static _ => []);
        lock (points)
        {
            points.Add(new MetricPoint(step ?? (points.Count == 0 ? 0 : points[^1].Step + 1), TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), value));
        }
    }

    /// <inheritdoc/>
    public override void Param(string name, string value)
    {
        TrackRules.Require(name, value, "parameter");
        _parameters[name] = value;
    }

    /// <inheritdoc/>
    public override void Tag(string name, string value)
    {
        TrackRules.Require(name, value, "tag");
        _tags[name] = value;
    }

    /// <inheritdoc/>
    public override void Artifact(string file, string? path = null)
    {
        TrackRules.RequirePath(path ??= Path.GetFileName(file));
        _artifacts[path] = File.ReadAllBytes(file);
    }

    /// <inheritdoc/>
    public override void Figure(string name, IFigure figure)
    {
        ArgumentNullException.ThrowIfNull(figure);
        TrackRules.RequireName(name, "figure");
        using var content = new MemoryStream();
        figure.Write(content);
        _artifacts[$"figures/{name}.{figure.Extension}"] = content.ToArray();
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <summary>Ends the recording.</summary>
    public void Dispose() => _scope.Dispose();
}
