using System.Diagnostics;
using System.Globalization;
using Gristmill.Client;

namespace Gristmill.Bench.Lifecycle;

/// <summary>
/// The flights work, trees only, from file to an answered prediction, each side from a cold start: the silo and its
/// workers here; pandas, scikit-learn and FastAPI there.
/// </summary>
internal static class LifecycleCase
{
    private static readonly string[] s_months = ["2001-04", "2001-05", "2001-06"];

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var parquet = Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? ".", "flights-3m.parquet");
        var start = Stopwatch.GetTimestamp();
        var before = ProcessClock.CpuSeconds(Environment.ProcessId);
        double wall, cpu;
        var auc = new double[3];
        using (var silo = await ServerProcess.StartSiloAsync())
        using (var client = new GristmillClient(silo.Url.ToString()))
        {
            var ready = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var pipeline = FlightsPipelines.Trees(parquet);
            await client.RegisterPipelineAsync(pipeline.Spec);
            var registered = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var run = await Runs.FinishAsync(client, await client.StartRunAsync(pipeline.Name, new RunRequest { NoCache = true }));
            var finished = Stopwatch.GetElapsedTime(start).TotalSeconds;
            await client.DeployAsync("bench", new DeploymentSpec { Model = "flight-delay-trees" });
            var deployed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            await client.PredictAsync("bench", [new { hour = 17, weekday = 4, distance = 606, origin = "ATL", destination = "ORD" }]);
            wall = Stopwatch.GetElapsedTime(start).TotalSeconds;
            cpu = ProcessClock.TreeCpuSeconds(silo.Id) + ProcessClock.CpuSeconds(Environment.ProcessId) - before;
            Console.Error.WriteLine(F($"    {cpu:0.0} CPU-s, of which the silo's own process {ProcessClock.CpuSeconds(silo.Id):0.0}; bench's {ProcessClock.CpuSeconds(Environment.ProcessId) - before:0.0}"));
            Console.Error.WriteLine(F($"    ready after {ready:0.00} s, registered {registered:0.00}, run ended {finished:0.00} ({(run.Ended - run.Created)!.Value.TotalSeconds:0.00} s), deployed {deployed:0.00}, answered {wall:0.00}"));
            foreach (var stage in run.Stages)
            {
                Console.Error.WriteLine(F($"    {stage.Name}: {(stage.Ended - stage.Started)?.TotalSeconds:0.00} s, {stage.Usage?.CpuMs / 1000:0.00} CPU-s, started after {(stage.Started - run.Created)?.TotalSeconds:0.00} s"));
            }

            var metrics = run.Stages.Single(stage => stage.Name == "evaluate").Outputs["metrics"].Metrics!;
            for (var i = 0; i < 3; i++)
            {
                auc[i] = metrics[$"{s_months[i]}/auc"];
            }
        }

        var rival = Rivals.Run(Rivals.Python, "flights.py", "run", await PrepareAsync(parquet));
        var ours = string.Create(CultureInfo.InvariantCulture, $"AUC {auc[0]:0.0000} {auc[1]:0.0000} {auc[2]:0.0000}");
        if (rival is not { } python)
        {
            return [new("flights, file to served model: wall", wall, "s", "rival absent", null, "<= 0.5 of Python's", false)];
        }

        double pythonWall = python.GetProperty("wall_s").GetDouble(), pythonCpu = python.GetProperty("cpu_s").GetDouble();
        var worst = s_months.Select((month, i) => auc[i] - python.GetProperty("auc").GetProperty(month).GetDouble()).Min();
        return
        [
            new("flights, file to served model: wall", wall, "s", F($"pandas + scikit-learn + FastAPI {pythonWall:0.0} s"), wall / pythonWall, "<= 0.5", wall / pythonWall <= 0.5),
            new("flights, file to served model: CPU", cpu, "CPU-s", F($"pandas + scikit-learn + FastAPI {pythonCpu:0.0} CPU-s"), cpu / pythonCpu, "<= 0.5", cpu / pythonCpu <= 0.5),
            new("flights: AUC, worst month's difference", worst, ours, F($"scikit-learn {Auc(python)}"), null, ">= -0.002", worst >= -0.002),
        ];
    }

    // Debian has no Parquet reader for its pandas: the rival gets the rows in the form that it loads fastest.
    private static async Task<string> PrepareAsync(string parquet)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Rivals.Home, "artifacts/bench")).FullName;
        var csv = Path.Combine(folder, "flights.csv");
        var pickle = Path.Combine(folder, "flights.pickle");
        if (!File.Exists(pickle))
        {
            using var duck = new DuckDB.NET.Data.DuckDBConnection("DataSource=:memory:");
            await duck.OpenAsync();
            using var copy = duck.CreateCommand();
            copy.CommandText = $"copy (from '{parquet.Replace("'", "''", StringComparison.Ordinal)}') to '{csv.Replace("'", "''", StringComparison.Ordinal)}' (header)";
            await copy.ExecuteNonQueryAsync();
            _ = Rivals.Run(Rivals.Python, "flights.py", "prepare", csv, pickle);
            File.Delete(csv);
        }

        return pickle;
    }

    private static string Auc(System.Text.Json.JsonElement python) =>
        string.Join(' ', s_months.Select(month => python.GetProperty("auc").GetProperty(month).GetDouble().ToString("0.0000", CultureInfo.InvariantCulture)));

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
