#:project ../../client/Gristmill/Gristmill.csproj
#:property PublishAot=false

// How late were the flights of a month, and how well can that be told? A partition a month: make one, a range, or backfill all.
//
//   dotnet run pipeline.cs -- --partition 2001-04       one month, in this process
//   dotnet run pipeline.cs -- --partitions 2001-01..2001-03
//   mill run pipeline.cs --partition 2001-01            ships it to a server; then, there:
//   mill backfill flights-monthly 2001-01..2001-06 --parallel 2
//   mill partitions flights-monthly

using Gristmill;

var monthly = Pipeline.Create("flights-monthly", p =>
{
    var month = p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1), to: new DateOnly(2001, 7, 1));

    var raw = p.Read.Parquet(Data.Flights);
    var rows = p.Sql($"""
        select date, origin, destination, distance,
               hour(date) as hour, dayofweek(date) as weekday,
               delay > {15} as late
        from {raw}
        where date >= {month.Start} and date < {month.End}
        """);

    // A row a route: what a dashboard shows of the month.
    var routes = p.Sql($"""
        select {month.Key} as month, origin, destination, count(*) as flights, avg(late::int) as late_rate
        from {rows}
        group by all
        order by all
        """);

    // The last fifth of the month, in its order, tests.
    var numbered = p.Sql($"select *, percent_rank() over (order by date) as place from {rows} order by all");
    var (train, test) = p.Split(numbered).ByNumber("place", 0.8);
    var trees = p.Train.LightGbm(train, label: "late", features: p.Features
        .Category("origin", "destination")
        .Number("distance", "hour", "weekday")
        .TargetEncode("origin", "destination"));
    p.Evaluate(trees, over: test).After(routes);

    // On the second of each month, the one that has ended.
    p.On.Cron("0 6 2 * *", "America/New_York").With(partition: "{{scheduled}}", concurrency: ConcurrencyPolicy.Queue);
}, "Lateness by route, and a model of it, month by month.");

if (!File.Exists(Data.Flights))
{
    Console.Error.WriteLine($"The flights data are not at {Data.Flights}: './mill setup' installs them, or GRISTMILL_DATA names their folder.");
}

return await Mill.RunAsync(monthly, args);

/// <summary>Where the data are: the folder in GRISTMILL_DATA, else the npm package that './mill setup' installs.</summary>
internal static class Data
{
    public static string Flights { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? Beside("../data/node_modules/vega-datasets/data"), "flights-3m.parquet");

    private static string Beside(string path, [System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, path));
}
