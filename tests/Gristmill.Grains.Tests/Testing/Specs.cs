using System.Collections.Immutable;

namespace Gristmill.Grains.Testing;

/// <summary>Short ways to write specs.</summary>
internal static class Specs
{
    public static PipelineSpec Pipeline(params StageSpec[] stages) => new() { Name = $"p-{Guid.NewGuid():N}"[..20], Stages = [.. stages] };

    public static StageSpec Stage(string name, params string[] inputs) => new()
    {
        Name = name,
        Operation = StageOperations.NoOp,
        Inputs = inputs.ToImmutableDictionary(static input => input, static input => new OutputRef(input)),
    };

    public static StageView Of(this RunView run, string stage) => run.Stages.Single(view => view.Name == stage);
}
