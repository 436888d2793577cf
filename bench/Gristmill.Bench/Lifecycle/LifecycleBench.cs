using Gristmill.Bench.Torch;

namespace Gristmill.Bench.Lifecycle;

/// <summary>The cases of "mill bench lifecycle". A new one: a class with a RunAsync, and a line here.</summary>
internal static class LifecycleBench
{
    public static IReadOnlyList<(string Name, Func<Task<IReadOnlyList<BenchCase>>> Run)> Cases { get; } =
    [
        ("flights", LifecycleCase.RunAsync),
        ("hand-off", () => Task.FromResult<IReadOnlyList<BenchCase>>([.. HandOffCase.Run()])),
        ("torch", () => Task.FromResult(TorchStepCase.Run())),
        ("dispatch", DispatchCase.RunAsync),
        ("predict", PredictCase.RunAsync),
    ];
}
