#:project ../../client/Gristmill/Gristmill.csproj
#:property PublishAot=false

// Which flights will be late? Three million real ones, from the raw file to a registered model.
//
//   dotnet run pipeline.cs              runs in this process: set breakpoints, step through your own stages
//   mill run pipeline.cs                ships the very same file to a server
//   dotnet run pipeline.cs -- explain   shows the stages; also compile, submit, --param, --help

using Gristmill;

var flights = Pipeline.Create("flights", p =>
{
    var until = p.Parameter("train-until", new DateOnly(2001, 4, 1));

    // What is known when the plane leaves the gate, and whether it arrived more than a quarter of an hour late. The six
    // planes that left after the last midnight of June are no month to evaluate.
    var raw = p.Read.Parquet(Data.Flights);
    var rows = p.Sql($"""
        select date, origin, destination, distance,
               hour(date) as hour, dayofweek(date) as weekday, month(date) as month,
               delay > {15} as late
        from {raw}
        where date < {new DateOnly(2001, 7, 1)}
        """);

    // January to March train; April, May and June test, as the model would have been used.
    var (train, test) = p.Split(rows).ByTime("date", until);

    // Fitted on the training months only, kept with the model, and applied by the same code when it serves. Routes and months
    // are given as their share of late flights: a month that training has not seen, as the three of the test, then stands at
    // the mean of those it has, where a number would carry the trees' last split on and take the network off its range.
    var trees = p.Train.LightGbm(train, label: "late", features: p.Features
        .Category("origin", "destination")
        .Number("distance", "hour", "weekday")
        .TargetEncode("origin", "destination")
        .TargetEncode("month"));

    var mlp = p.Train.TorchMlp(train, label: "late", features: p.Features
        .Category("origin", "destination", "hour", "weekday")
        .Standardise("distance")
        .TargetEncode("origin", "destination")
        .TargetEncode("month"));

    // Measures both, also month by month, and keeps the one with the better AUC over all three.
    var best = p.Best(Metric.Auc, over: test, among: [trees, mlp], by: "date", byPart: DatePart.Month);
    p.Register("flight-delay", best, when: best.Score > 0.66);
}, "Which flights will arrive more than 15 minutes late?");

if (!File.Exists(Data.Flights))
{
    Console.Error.WriteLine($"The flights data are not at {Data.Flights}: './mill setup' installs them, or GRISTMILL_DATA names their folder.");
}

return await Mill.RunAsync(flights, args);

/// <summary>Where the data are: the folder in GRISTMILL_DATA, else the npm package that './mill setup' installs.</summary>
internal static class Data
{
    public static string Flights { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? Beside("../data/node_modules/vega-datasets/data"), "flights-3m.parquet");

    private static string Beside(string path, [System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, path));
}
