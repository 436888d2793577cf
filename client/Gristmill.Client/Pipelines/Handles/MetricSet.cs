namespace Gristmill;

/// <summary>The named numbers that a stage measures.</summary>
public sealed class MetricSet : StageHandle
{
    internal MetricSet(StageNode node, string output = "metrics") : base(node, output) { }

    /// <summary>One of them.</summary>
    /// <param name="metric">Its name, such as "auc" or, evaluated by group, "2001-04/auc".</param>
    public Scalar this[string metric] => new(Node, metric, Output);

    /// <summary>One of them.</summary>
    public Scalar this[Metric metric] => new(Node, metric.Name, Output);
}
