using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>A stage of the spec, which becomes one node of the graph, or in a loop one an item.</summary>
internal sealed class StageTemplate(StageSpec spec, ImmutableArray<string> loops)
{
    public StageSpec Spec { get; } = spec;

    public StageDependencies Dependencies { get; } = StageDependencies.Of(spec);

    /// <summary>The loops it is in, the outermost first.</summary>
    public ImmutableArray<string> Loops { get; } = loops;

    /// <summary>Of a loop: the stages outside of it that its body waits for. The loop waits for them, so that no item starts to wait.</summary>
    public List<string> BodyNeeds { get; } = [];

    /// <summary>Of a loop: the stages and loops directly in it, in the order of the spec.</summary>
    public List<StageTemplate> Body { get; } = [];

    public bool IsLoop => Spec.Operation == StageOperations.ForEach;

    /// <summary>Whether the run itself does it: there is no grain of the stage to ask.</summary>
    public bool IsControl => Spec.Operation is StageOperations.ForEach or StageOperations.OneOf;

    /// <summary>How many of the innermost loops of another stage this one is not in: above 0, it sees that one's outputs as a collection.</summary>
    public int SharedLoops(StageTemplate other)
    {
        var shared = 0;
        while (shared < Loops.Length && shared < other.Loops.Length && Loops[shared] == other.Loops[shared])
        {
            shared++;
        }

        return shared;
    }

    /// <summary>The templates of a spec by name, in its order.</summary>
    public static OrderedDictionary<string, StageTemplate> Of(PipelineSpec spec)
    {
        var templates = new OrderedDictionary<string, StageTemplate>(spec.Stages.Length, StringComparer.Ordinal);
        foreach (var stage in spec.Stages)
        {
            var loop = stage.Loop is { } name ? templates[name] : null;
            var template = new StageTemplate(stage, loop is null ? [] : [.. loop.Loops, loop.Spec.Name]);
            loop?.Body.Add(template);
            foreach (var dependency in template.Dependencies.All)
            {
                var outside = template.SharedLoops(templates[dependency]);
                foreach (var around in template.Loops.AsSpan()[outside..])
                {
                    templates[around].BodyNeeds.Add(dependency);
                }
            }

            templates.Add(stage.Name, template);
        }

        return templates;
    }
}
