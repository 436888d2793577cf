#:project ../../client/Gristmill/Gristmill.csproj
#:property PublishAot=false

// One model a shop, though nobody wrote down how many shops there are: a stage looks, a loop trains for each one, and a stage
// collects what the loop made. What is wrong with the data stops the run before anything is trained.
//
//   dotnet run pipeline.cs              runs in this process: set a breakpoint in ListShops and it is hit
//   mill run pipeline.cs                ships this file to a server
//   dotnet run pipeline.cs -- explain   shows the loop and what is in it

using System.Globalization;
using Apache.Arrow;
using Gristmill;
using Gristmill.Engines;

var fanout = Pipeline.Create("shops", p =>
{
    var until = p.Parameter("train-until", new DateOnly(2025, 5, 1)).Describe("Days from here on are for testing.");
    var most = p.Parameter("most", 5, min: 1, max: 100, description: "Shops at most.");

    var raw = p.Read.Csv(Sales.WriteCsv());
    var sales = p.Check(raw, c => c
        .RowsBetween(1_000, null)
        .NotNull("shop", "day", "sold")
        .InRange("sold", 0, 10_000)
        .Unique("shop", "day")).Named("check");

    // What this returns is known only in the run.
    var shops = p.Run(ListShops, sales, most).List<string>();

    var (models, errors) = p.ForEach(shops, shop =>
    {
        var rows = p.Sql($"select day, price, dayofweek(day) as weekday, sold from {sales} where shop = {shop}").Named("rows");
        var (train, test) = p.Split(rows).ByTime("day", until);
        var model = p.Train.Linear(train, label: "sold", exclude: ["day"]).Named("model");
        var measured = p.Evaluate(model, over: test).Named("measure");
        return (model, measured["rmse"]);
    }, parallelism: 2, allowFailures: 0.2, name: "each-shop");

    // Outside of the loop a handle stands for what all items made, in their order.
    var summary = p.Run(Summarise, shops, models, errors);
    var best = p.Run(PickBest, models, errors);

    p.If(summary.Metrics["worst"] < 100, () => p.Register("shop-sales", best).Named("register"));
    p.OnExit(Report, summary.Metrics);
}, "How much will each shop sell?");

return await Mill.RunAsync(fanout, args);

static string[] ListShops(Dataset sales, int most) =>
    [.. sales.Column("shop").Cast<StringArray>().SelectMany(names => Enumerable.Range(0, names.Length).Select(i => names.GetString(i))).Distinct().Order(StringComparer.Ordinal).Take(most)];

static Summary Summarise(IReadOnlyList<string> shops, IReadOnlyList<ModelRef> models, IReadOnlyList<double> errors) =>
    new(shops.Count, models.Count, errors.Average(), errors.Max());

static ModelRef PickBest(IReadOnlyList<ModelRef> models, IReadOnlyList<double> errors) => models[errors.Index().MinBy(e => e.Item).Index];

// Runs however the run ended; a summary is there only if it got so far.
static string Report(ExitStatus exit, System.Collections.Immutable.ImmutableDictionary<string, double>? summary = null) =>
    exit.Status == RunStatus.Succeeded
        ? string.Create(CultureInfo.InvariantCulture, $"{summary?["shops"]} shops, mean error {summary?["mean"]:0.0}")
        : $"{exit.Status}: {exit.Error?.Message}";

/// <summary>What the loop came to.</summary>
internal sealed record Summary(int Shops, int Models, double Mean, double Worst);

/// <summary>Made-up sales of made-up shops: more at week-ends, and where the price is low.</summary>
internal static class Sales
{
    /// <summary>Writes the same rows each time and returns the file.</summary>
    public static string WriteCsv()
    {
        string[] shops = ["Ash", "Birch", "Cedar", "Elm", "Fir"];
        var random = new Random(5);
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"gristmill-shops-{Environment.UserName}")).FullName;
        var draft = Path.Combine(folder, Path.GetRandomFileName());
        using (var file = new StreamWriter(draft))
        {
            file.WriteLine("shop,day,price,sold");
            for (var day = new DateOnly(2024, 6, 1); day < new DateOnly(2025, 6, 1); day = day.AddDays(1))
            {
                for (var shop = 0; shop < shops.Length; shop++)
                {
                    var price = random.Next(100, 200) / 100.0;
                    var sold = 200 + (40 * shop) - (60 * price) + (day.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? 30 : 0) + random.Next(20);
                    file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{shops[shop]},{day:yyyy-MM-dd},{price},{sold:0.0}"));
                }
            }
        }

        var path = Path.Combine(folder, "sales.csv");
        File.Move(draft, path, overwrite: true);
        return path;
    }
}
