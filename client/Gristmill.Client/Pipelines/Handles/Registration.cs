namespace Gristmill;

/// <summary>The registration of a model as the next version of a name.</summary>
public sealed class Registration : StageHandle
{
    internal Registration(StageNode node, string name) : base(node, "out") => Name = name;

    /// <summary>The registered model's name.</summary>
    public string Name { get; }
}
