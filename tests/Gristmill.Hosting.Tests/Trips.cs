using System.Globalization;
using System.Text;

namespace Gristmill.Hosting;

/// <summary>A small learnable data set and the pipeline over it: late or not, by hour, distance and carrier.</summary>
internal static class Trips
{
    public const int Rows = 20_000;

    public static string WriteCsv(string folder)
    {
        var random = new Random(7);
        var text = new StringBuilder("day,hour,distance,carrier,delay\n");
        string[] carriers = ["AA", "BB", "CC", "DD"];
        for (var i = 0; i < Rows; i++)
        {
            var hour = random.Next(24);
            var distance = random.Next(50, 3000);
            var carrier = random.Next(carriers.Length);
            var risk = (hour / 24.0) + (carrier * 0.25) - (distance / 6000.0);
            var delay = (int)((risk + random.NextDouble() - 0.5) * 30);
            text.Append(CultureInfo.InvariantCulture, $"2024-{1 + (i * 6 / Rows):00}-{1 + random.Next(28):00},{hour},{distance},{carriers[carrier]},{delay}\n");
        }

        var path = Path.Combine(folder, "trips.csv");
        File.WriteAllText(path, text.ToString());
        return path;
    }

    public static Pipeline Pipeline(string csv) => Gristmill.Pipeline.Create("trips", p =>
    {
        var raw = p.Read.Csv(csv);
        var rows = p.Sql($"select day, hour, distance, carrier, delay > 15 as late from {raw}");
        var (train, test) = p.Split(rows).ByTime("day", new DateOnly(2024, 5, 1));
        var trees = p.Train.LightGbm(train, label: "late", categorical: ["carrier"], exclude: ["day"]);
        var linear = p.Train.Linear(train, label: "late", categorical: ["carrier"], exclude: ["day"]);
        var best = p.Best(Metric.Auc, over: test, among: [trees, linear], label: "late");
        p.Register("late-trip", best, when: best.Score > 0.6);
    });
}
