using System.Collections.Immutable;

namespace Gristmill.Engines;

/// <summary>The outputs of an attempt, by name.</summary>
public sealed class StageOutputs
{
    private readonly Dictionary<string, Artifact> _artifacts = new(StringComparer.Ordinal);

    /// <summary>Outputs so far.</summary>
    public IReadOnlyDictionary<string, Artifact> Artifacts => _artifacts;

    /// <summary>Adds an output and returns this.</summary>
    public StageOutputs Add(string name, Artifact artifact)
    {
        _artifacts.Add(name, artifact);
        return this;
    }

    /// <summary>A single dataset called "out".</summary>
    public static StageOutputs Of(ObjectRef dataset) => new StageOutputs().Add("out", Artifact.Of(dataset));

    /// <summary>A model called "out", with its metrics as "metrics".</summary>
    public static StageOutputs Of(ModelRef model, ImmutableDictionary<string, double> metrics) =>
        new StageOutputs().Add("out", Artifact.Of(model)).Add("metrics", Artifact.Of(metrics));

    /// <summary>Metrics called "metrics".</summary>
    public static StageOutputs Of(ImmutableDictionary<string, double> metrics) =>
        new StageOutputs().Add("metrics", Artifact.Of(metrics));
}
