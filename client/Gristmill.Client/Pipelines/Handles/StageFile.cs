namespace Gristmill;

/// <summary>A file that a stage makes.</summary>
public sealed class StageFile : StageHandle
{
    internal StageFile(StageNode node, string output = "out") : base(node, output) { }
}
