namespace Gristmill.Bench.Pipelines;

/// <summary>The cases of "mill bench pipelines". A new one: a class with a RunAsync, and a line here.</summary>
internal static class PipelinesBench
{
    public static IReadOnlyList<(string Name, Func<Task<IReadOnlyList<BenchCase>>> Run)> Cases { get; } =
    [
        ("stages", DurableStagesCase.RunAsync),
        ("floor", ChainFloorCase.RunAsync),
        ("start", StartCase.RunAsync),
        ("large", LargeDagCase.RunAsync),
        ("runs", RunSearchCase.RunAsync),
        ("metrics", MetricPointsCase.RunAsync),
        ("triggers", TriggersCase.RunAsync),
        ("dev", DevCase.RunAsync),
    ];
}
