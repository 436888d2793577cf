namespace Gristmill.Bench.Lifecycle;

/// <summary>The pipelines that cases run.</summary>
internal static class FlightsPipelines
{
    /// <summary>The flights work with the boosted trees only: file to registered model.</summary>
    public static Pipeline Trees(string parquet) => Pipeline.Create("flights-trees", p =>
    {
        var raw = p.Read.Parquet(parquet);
        var until = new DateOnly(2001, 4, 1);
        var train = p.Sql($"select hour(date) as hour, isodow(date) as weekday, distance, origin, destination, delay > 15 as late from {raw} where date < {until}");
        var test = p.Sql($"select date, hour(date) as hour, isodow(date) as weekday, distance, origin, destination, delay > 15 as late from {raw} where date >= {until}");
        var trees = p.Train.LightGbm(train, label: "late", categorical: ["origin", "destination"]);
        p.Evaluate(trees, over: test, label: "late", by: "date", byPart: DatePart.Month).Named("evaluate");
        p.Register("flight-delay-trees", trees);
    });

    /// <summary>No-op stages side by side, each durable.</summary>
    public static PipelineSpec NoOps(int count) => new()
    {
        Name = "no-ops",
        Stages = [.. Enumerable.Range(0, count).Select(i => new StageSpec { Name = $"s{i}", Operation = StageOperations.NoOp })],
    };
}
