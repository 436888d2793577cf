using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Gristmill.Data;

namespace Gristmill.Bench.Data;

/// <summary>
/// Three million flights read from Parquet, mapped row by row in user code, then their mean and count: a flow against pandas and Ray Data, each in a process
/// of its own. The first round of each warms it up and does not count.
/// </summary>
internal static class FlowMeanCase
{
    public const string Role = "flow-mean";
    private const int Rounds = 15;
    private const string Name = "flights 3M rows: read, map in user code, mean and count";

    public static IReadOnlyList<BenchCase> Run()
    {
        var file = Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? ".", "flights-3m.parquet");
        // As a user's own program has it: this one compiles methods anew later than .NET's default, as silos do, which are compiled ahead of time.
        Environment.SetEnvironmentVariable("DOTNET_TC_CallCountThreshold", "1E");
        Environment.SetEnvironmentVariable("DOTNET_TC_CallCountingDelayMs", "64");
        var (ours, pandas, columns) = (new List<double>(), new List<double>(), new List<double>());
        for (var turn = 0; turn < 2; turn++)
        {
            // In turns: what the machine does meanwhile meets all.
            ours.AddRange(Seconds(Rivals.RunSelf(Role, file)));
            pandas.AddRange(Seconds(Rivals.Run(Rivals.RayPython, "flows.py", "pandas", file, Text(Rounds))));
            columns.AddRange(Seconds(Rivals.Run(Rivals.RayPython, "flows.py", "pandas-columns", file, Text(Rounds))));
        }

        var ray = Rivals.Run(Rivals.RayPython, "flows.py", "ray", file)?.GetProperty("seconds")[0].GetDouble();
        var (our, their, least) = (Median(ours), Median(pandas), Median(columns));
        return
        [
            new(Name, our, "s", pandas.Count > 0 ? F($"pandas {their:0.000} s") : "rival absent", our / their, "<= pandas", our <= their),
            new(Name + ", pandas told which two columns it needs", our, "s", columns.Count > 0 ? F($"pandas {least:0.000} s") : "rival absent", our / least, "told", true),
            new(Name + ", with Ray Data", our, "s", ray is { } seconds ? F($"Ray Data {seconds:0.0} s") : "rival absent", our / ray, "<= 0.1", our <= ray * 0.1),
        ];
    }

    public static async Task<int> ServeAsync(string file)
    {
        var seconds = new List<double>();
        var summary = default(RowSummary);
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            summary = await DataFlow.Read(file).Map((Flight f) => new Late(f.Delay > 15, f.Distance)).Where(l => l.Distance > 0).SummarizeAsync(l => l.IsLate ? 1 : 0);
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        Console.WriteLine(JsonSerializer.Serialize(new { seconds, mean = summary.Mean, count = summary.Count }));
        return 0;
    }

    private static IEnumerable<double> Seconds(JsonElement? result)
    {
        if (result is not { } found)
        {
            return [];
        }

        Console.Error.WriteLine($"    {string.Join(", ", found.GetProperty("seconds").EnumerateArray().Select(static s => s.GetDouble().ToString("0.000", CultureInfo.InvariantCulture)))} s; mean {found.GetProperty("mean")} of {found.GetProperty("count")}");
        return found.GetProperty("seconds").EnumerateArray().Skip(1).Select(static s => s.GetDouble());
    }

    private static double Median(List<double> values) => values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Flight(long Delay, long Distance);

    private readonly record struct Late(bool IsLate, long Distance);
}
