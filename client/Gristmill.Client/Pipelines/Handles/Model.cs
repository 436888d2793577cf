namespace Gristmill;

/// <summary>A model that a stage makes.</summary>
public class Model : StageHandle
{
    internal Model(StageNode node, string output = "out") : base(node, output) { }

    /// <summary>What its training measured.</summary>
    public MetricSet Metrics => new(Node);
}

/// <summary>The model that <see cref="PipelineBuilder.Best"/> picked.</summary>
public sealed class BestModel : Model
{
    internal BestModel(StageNode node) : base(node) { }

    /// <summary>Its value of the metric it was picked by.</summary>
    public Scalar Score => new(Node, "score");
}
