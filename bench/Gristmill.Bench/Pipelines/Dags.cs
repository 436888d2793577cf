using System.Collections.Immutable;

namespace Gristmill.Bench.Pipelines;

/// <summary>Pipelines of no-op stages: each goes to a warm worker process and each of its transitions is durable.</summary>
internal static class Dags
{
    public static PipelineSpec Chain(int stages) => Of($"chain-{stages}", stages, static i => i == 0 ? [] : [$"s{i - 1}"]);

    public static PipelineSpec Fan(int stages) => Of($"fan-{stages}", stages, static _ => []);

    /// <summary>Layers of 100, each stage after two of the layer before.</summary>
    public static PipelineSpec Layers(int stages) => Of($"layers-{stages}", stages, static i => i < 100 ? [] : [$"s{i - 100}", $"s{i - (i % 100) - 100 + ((i + 1) % 100)}"]);

    private static PipelineSpec Of(string name, int stages, Func<int, ImmutableArray<string>> after) => new()
    {
        Name = name,
        Stages = [.. Enumerable.Range(0, stages).Select(i => new StageSpec { Name = $"s{i}", Operation = StageOperations.NoOp, After = [.. after(i).Distinct()] })],
    };
}
