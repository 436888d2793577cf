using System.Collections.Immutable;
using Gristmill.Engines;

namespace Gristmill;

/// <summary>The snippets of docs/pipelines.md, compiled; <see cref="DocumentationTests"/> holds the two together.</summary>
internal static class PipelineExamples
{
    public static void Define(PipelineBuilder p)
    {
        var epochs = p.Parameter("epochs", 8, min: 1, max: 100, description: "Passes over the rows.");
        var mode = p.Parameter("mode", "full", ["full", "dry"]);
        var cities = p.Parameter("cities", new[] { "SFO", "JFK" });
        var until = p.Parameter<DateOnly>("until").Range(min: new DateOnly(2001, 1, 1));

        var raw = p.Read.Csv("/data/flights.csv").Named("source");
        var good = p.Check(raw, c => c
            .RowsBetween(1, null).NotNull("date", "origin").InRange("distance", 0, 6000).Unique("id")
            .OneOf("carrier", "AA", "UA").Fresh("date", TimeSpan.FromDays(2)).Schema(("date", CheckColumn.Timestamp))
            .Where("arrival >= departure"));
        var sales = p.Read.Csv("/data/sales/*.csv", BadRows.Quarantine);
        p.Check(sales.Bad, c => c.RowsBetween(0, 100));
        p.If(sales.Metrics["badRows"] > 0, () => p.Run(Warn, sales.Metrics));

        var rows = p.Sql($"select * from {good} where date < {until}");
        var airports = p.Read.Csv("/data/airports.csv");
        var known = p.PointInTimeJoin(rows, keys: ["origin"], timestamp: "date", [new FeatureTable(raw, ttl: TimeSpan.FromDays(30), columns: ["distance"], prefix: "last")]);
        var (train, validation, test) = p.Split(known).ByGroup(["origin"], validation: 0.1, test: 0.2);
        p.Evaluate(p.Train.LightGbm(train, label: "late", validation: validation), over: test);
        var named = p.Join(known, airports, on: ["origin"], rightOn: ["iata"], how: JoinKind.Left, validate: JoinCardinality.ManyToOne);
        var some = p.Shuffle(p.Sample(named).Rows(100_000, by: ["late"]), seed: 1);
        var windows = p.Sql($"""
            select *, avg(delay) over (partition by origin order by date range between interval 7 days preceding and current row) as week,
                   lag(delay) over (partition by origin order by date, id) as before,
                   rank() over (partition by origin order by delay desc) as place
            from {rows} order by id
            """);
        var groups = p.Sql($"select origin, count(*) as flights, median(delay) as delay from {rows} group by origin having count(*) > 100 order by origin");
        p.ForEach(cities, city => p.Sql($"select {city} as city"));

        var (fresh, old) = (rows, raw);
        Model model = p.Choose(mode.Is("full"), () => p.Train.LightGbm(rows, label: "late")).Else(() => p.Train.Linear(rows, label: "late"));
        var input = p.OneOf(fresh, old);
        var best = p.Best(Metric.Auc, over: rows, among: [model]);
        p.If(best.Score > 0.66 & !mode.Is("dry"), () => p.Register("late", best))
            .ElseIf(best.Score > 0.6, () => p.Run(Warn, best.Metrics))
            .Else(() => p.Run(GiveUp));
        p.Sql($"select count(*) as n from {input}");

        var names = p.Run(ListAirports, rows).List<string>();
        var (models, scores) = p.ForEach(names, name =>
        {
            var some = p.Sql($"select * from {rows} where origin = {name}");
            var trained = p.Train.Linear(some, label: "late");
            return (trained, p.Evaluate(trained, over: rows)["auc"]);
        }, parallelism: 4, allowFailures: 0.1);
        Model picked = p.Run(Pick, names, models, scores);
        p.Register("picked", picked);
        Failures(p, rows);

        var url = "https://example.org/flights.csv";
        p.Run(Download, url)
            .Retry(attempts: 5, backoff: TimeSpan.FromSeconds(1), factor: 2, maxBackoff: TimeSpan.FromMinutes(1), jitter: 0.3, on: ["timeout", "IOException"])
            .With(timeout: TimeSpan.FromMinutes(10), memoryMiB: 2048, threads: 2)
            .Requires("gpu", 0.5);
        p.Run(Load, p.Secret("warehouse-password"));

        var template = p.ImportFile("/data/report.html");
        StageFile report = p.Run(Render, template);
        p.Run(Read, report);

        var cleaning = Pipeline.Create("cleaning", q =>
        {
            var least = q.Parameter("least", 1);
            var source = q.Read.Csv("/data/raw.csv").Named("raw");
            q.Sql($"select * from {source} where distance > {least}").Named("rows");
        });
        var first = p.Group("first", () => Clean(p, raw));
        var cleaned = p.Include(cleaning, "clean", with => with.Set("least", epochs).Replace("raw", raw)).Table("rows");
        p.Sql($"select * from {first} union all select * from {cleaned}");
    }

    private static void Failures(PipelineBuilder p, Table rows)
    {
        var trained = p.Train.Linear(rows, label: "late").Named("linear-late");
        p.OnFailure(FailurePolicy.Continue);
        p.Run(Report, trained.Metrics).IgnoreUpstreamFailure();
        p.OnExit(Notify, "#ml", trained.Metrics);
    }

    private static Table Clean(PipelineBuilder p, Table rows) => p.Sql($"select distinct * from {rows}");

    private static void Warn(ImmutableDictionary<string, double> metrics)
    {
    }

    private static void GiveUp()
    {
    }

    private static string[] ListAirports(Dataset rows) => [];

    private static ModelRef Pick(IReadOnlyList<string> names, IReadOnlyList<ModelInput> models, IReadOnlyList<double> scores) => models[0].Ref;

    private static void Report(ImmutableDictionary<string, double>? metrics)
    {
    }

    private static void Notify(ExitStatus exit, string channel, ImmutableDictionary<string, double>? metrics = null)
    {
    }

    private static void Download(string url)
    {
    }

    private static void Load(string password)
    {
    }

    private static FileInfo Render(FileInput template) => new(template.Path);

    private static int Read(FileInput file) => file.ReadText().Length;
}
