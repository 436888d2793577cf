namespace Gristmill;

/// <summary>A table that a check has passed on: what takes it waits for the check.</summary>
public sealed class CheckedTable : Table
{
    internal CheckedTable(StageNode node) : base(node) { }

    /// <summary>"rows", "failedRules", and by the name of each rule, such as "not-null.date", how many rows break it.</summary>
    public MetricSet Metrics => new(Node);

    /// <summary>What was found, a text a broken rule.</summary>
    public ValueList<string> Findings => new(Node, "findings");
}
