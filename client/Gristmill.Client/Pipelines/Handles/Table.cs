namespace Gristmill;

/// <summary>A table that a stage makes.</summary>
public class Table : StageHandle
{
    internal Table(StageNode node, string output = "out") : base(node, output) { }
}
