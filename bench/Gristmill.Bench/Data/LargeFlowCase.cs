using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DuckDB.NET.Data;
using Gristmill.Data;

namespace Gristmill.Bench.Data;

/// <summary>
/// A data set of ten times the memory budget, from many Parquet files through a map in C# and a query over what it gives: against DuckDB alone, which does the
/// map as SQL with the same budget and threads, and against Ray Data on a tenth of the files, by CPU a row. Each runs in a process of its own.
/// </summary>
internal static class LargeFlowCase
{
    public const string Role = "flow-large";
    private const int Files = 40, Turns = 3;
    private const long Budget = 256L << 20;
    private const string Query = "select hour, count(*) as n, avg(late::int) as late, avg(miles) as miles from input group by all order by all";
    private const string TextQuery = "select origin, hour, count(*) as n, avg(late::int) as late, avg(miles) as miles from input group by all order by all";

    public static IReadOnlyList<BenchCase> Run()
    {
        var folder = Prepare();
        var cases = new List<BenchCase>();
        Cost? flow = null;
        foreach (var kind in new[] { "numbers", "text" })
        {
            var (ours, theirs) = (new List<Cost>(), new List<Cost>());
            for (var turn = 0; turn < Turns; turn++)
            {
                theirs.Add(Cost.Of(Rivals.RunSelf(Role, "duckdb", kind, folder)));
                ours.Add(Cost.Of(Rivals.RunSelf(Role, "flow", kind, folder)));
            }

            var (our, their) = (Cost.Median(ours), Cost.Median(theirs));
            flow ??= our;
            var name = kind == "numbers" ? "flow of 10x the memory budget: map in C#, then SQL" : "the same with a text column through C#";
            cases.Add(new(name, our.Seconds, F($"s ({our.Cpu:0.0} CPU-s)"), F($"DuckDB alone {their.Seconds:0.00} s ({their.Cpu:0.0} CPU-s)"), our.Seconds / their.Seconds,
                kind == "numbers" ? "<= 1.3" : "told", kind == "text" || our.Seconds <= 1.3 * their.Seconds));
            if (kind == "numbers")
            {
                cases.Add(new("peak memory of that flow's process", our.PeakMiB, "MiB", F($"a budget of {Budget >> 20} MiB; DuckDB alone {their.PeakMiB:0} MiB"), our.PeakMiB / (Budget >> 20), "<= 1", our.PeakMiB <= Budget >> 20));
            }
        }

        string[] few = [.. Directory.EnumerateFiles(folder, "*.parquet").Order(StringComparer.Ordinal).Take(Files / 10)];
        var ray = Rivals.Run(Rivals.RayPython, "flows.py", ["ray-group", .. few])?.GetProperty("cpu_seconds").GetDouble();
        cases.Add(new("CPU of that flow, a tenth of the files", flow!.Cpu / 10, "CPU-s", ray is { } cpu ? F($"Ray Data {cpu:0.0} CPU-s") : "rival absent", flow.Cpu / 10 / ray, "<= 0.1", flow.Cpu / 10 <= ray * 0.1));
        return cases;
    }

    public static async Task<int> ServeAsync(string who, string kind, string folder)
    {
        var pattern = Path.Combine(folder, "*.parquet");
        using var process = Process.GetCurrentProcess();
        var (start, cpu) = (Stopwatch.GetTimestamp(), process.TotalProcessorTime);
        var groups = who == "duckdb" ? Duck(kind, pattern) : await FlowAsync(kind, pattern);
        process.Refresh();
        var cost = new Cost(Stopwatch.GetElapsedTime(start).TotalSeconds, (process.TotalProcessorTime - cpu).TotalSeconds, process.PeakWorkingSet64 / 1048576.0, groups);
        Console.WriteLine(JsonSerializer.Serialize(cost));
        return 0;
    }

    private static async Task<long> FlowAsync(string kind, string pattern)
    {
        var flow = DataFlow.Read(pattern).With(new FlowOptions { MemoryLimit = Budget });
        var mapped = kind == "numbers"
            ? flow.Map((Flight f) => new Feature(f.Date.Hour, f.Delay > 15, f.Distance)).Where(f => f.Miles > 0).Sql(Query)
            : flow.Map((TextFlight f) => new TextFeature(f.Origin, f.Date.Hour, f.Delay > 15, f.Distance)).Where(f => f.Miles > 0).Sql(TextQuery);
        long groups = 0;
        await mapped.ForEachBlockAsync(block => groups += block.Length);
        return groups;
    }

    private static long Duck(string kind, string pattern)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        var origin = kind == "text" ? "origin, " : "";
        command.CommandText = F($"""
            set memory_limit = '{Budget}B';
            with input as (select {origin}hour(date) as hour, delay > 15 as late, distance::double as miles from read_parquet('{pattern}') where distance > 0)
            {(kind == "text" ? TextQuery : Query)}
            """);
        using var reader = command.ExecuteReader();
        long groups = 0;
        while (reader.Read())
        {
            groups++;
        }

        return groups;
    }

    /// <summary>The flights of the sample, many times over and each time half a year later: 2.9 GB as Arrow of the three columns that are numbers.</summary>
    private static string Prepare()
    {
        var folder = Path.Combine(Rivals.Home, "artifacts/bench/flights-large");
        var file = Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? ".", "flights-3m.parquet");
        Directory.CreateDirectory(folder);
        for (var i = 0; i < Files; i++)
        {
            var target = Path.Combine(folder, F($"part-{i:00}.parquet"));
            if (!File.Exists(target))
            {
                DataFlow.Read(file).Sql($"select date + to_days({i * 181}) as date, delay, distance, origin, destination from input").WriteParquetAsync(target).GetAwaiter().GetResult();
            }
        }

        return folder;
    }

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Cost(double Seconds, double Cpu, double PeakMiB, long Groups)
    {
        public static Cost Of(JsonElement? result)
        {
            var cost = result?.Deserialize<Cost>() ?? throw new InvalidOperationException("A process of the bench failed.");
            Console.Error.WriteLine(F($"    {cost.Seconds:0.00} s, {cost.Cpu:0.0} CPU-s, {cost.PeakMiB:0} MiB, {cost.Groups} groups"));
            return cost;
        }

        public static Cost Median(List<Cost> costs) => costs.OrderBy(static cost => cost.Seconds).ElementAt(costs.Count / 2);
    }

    private readonly record struct Flight(DateTime Date, long Delay, long Distance);

    private readonly record struct Feature(int Hour, bool Late, double Miles);

    private readonly record struct TextFlight(DateTime Date, long Delay, long Distance, string Origin);

    private readonly record struct TextFeature(string Origin, int Hour, bool Late, double Miles);
}
