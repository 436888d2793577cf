using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A stage while its pipeline is being defined. Names are settled last, so everything refers to nodes, not names.</summary>
internal sealed class StageNode(PipelineBuilder owner, string operation, string fallbackName)
{
    public PipelineBuilder Owner { get; } = owner;
    /// <summary>The loop whose body it is in, or null.</summary>
    public StageNode? Loop { get; } = owner.CurrentLoop;
    /// <summary>What its name begins with.</summary>
    public string Prefix { get; } = owner.Prefix;
    public string Operation => Settings.Operation;
    /// <summary>Name if nothing better is known.</summary>
    public string FallbackName { get; set; } = fallbackName;
    /// <summary>The variable its output was seen in.</summary>
    public string? Hint { get; set; }
    /// <summary>Name given by the user.</summary>
    public string? GivenName { get; set; }
    /// <summary>The settled name.</summary>
    public string Name { get; set; } = "";
    /// <summary>Writes the options, once names are settled.</summary>
    public Func<JsonObject> Options { get; init; } = static () => [];
    public Dictionary<string, StageHandle> Inputs { get; } = new(StringComparer.Ordinal);
    public List<StageNode> After { get; } = [];
    public Condition? When { get; set; }
    /// <summary>Of inputs collected from a loop: the metric that is taken.</summary>
    public Dictionary<string, string> InputMetrics { get; } = new(StringComparer.Ordinal);
    /// <summary>Inputs that its method cannot do without.</summary>
    public IReadOnlyCollection<string> RequiredInputs { get; init; } = [];
    /// <summary>All of the stage that neither names nor connects it, such as its limits. The rest is written over it at last.</summary>
    public StageSpec Settings { get; set; } = new() { Name = "", Operation = operation };
    /// <summary>Whether the handle of output "out" stands for the whole stage, so that its variable names the stage.</summary>
    public bool SingleOutput { get; init; } = true;
    /// <summary>What a person would call it in an error.</summary>
    public string Label => GivenName ?? Hint ?? FallbackName;

    /// <summary>Whether a stage's outputs are a collection for this one: that one is in a loop which this one is not in.</summary>
    public bool Collects(StageNode other)
    {
        if (other.Loop is null)
        {
            return false;
        }

        for (var loop = Loop; loop is not null; loop = loop.Loop)
        {
            if (ReferenceEquals(loop, other.Loop))
            {
                return false;
            }
        }

        return true;
    }
}
