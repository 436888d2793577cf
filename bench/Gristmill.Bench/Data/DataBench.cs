using Gristmill.Bench.Lifecycle;

namespace Gristmill.Bench.Data;

/// <summary>The cases of "mill bench data". A new one: a class with a RunAsync or a Run, and a line here.</summary>
internal static class DataBench
{
    public static IReadOnlyList<(string Name, Func<Task<IReadOnlyList<BenchCase>>> Run)> Cases { get; } =
    [
        ("hand-off", () => Task.FromResult<IReadOnlyList<BenchCase>>([.. HandOffCase.Run()])),
        ("put", () => Task.FromResult(PutCase.Run())),
        ("put-sql", () => Task.FromResult(SqlCase.Put())),
        ("parquet", () => Task.FromResult(SqlCase.Parquet())),
        ("sql", () => Task.FromResult(SqlCase.Queries())),
        ("pull", PullCase.RunAsync),
        ("flight", () => Task.FromResult<IReadOnlyList<BenchCase>>([.. FlightCase.Run()])),
        ("flow", () => Task.FromResult(FlowMeanCase.Run())),
        ("flow-large", () => Task.FromResult(LargeFlowCase.Run())),
        ("small", () => Task.FromResult(SmallObjectsCase.Run())),
    ];
}
