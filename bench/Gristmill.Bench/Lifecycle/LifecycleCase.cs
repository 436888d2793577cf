using System.Diagnostics;
using System.Globalization;
using Gristmill.Client;

namespace Gristmill.Bench.Lifecycle;

/// <summary>
/// The flights work, trees only, from file to an answered prediction, each side from a cold start: the silo and its
/// workers here; pandas, scikit-learn and FastAPI there. The process that calls the silo is warm from the second round on, as a shell's caller is.
/// </summary>
internal static class LifecycleCase
{
    private const int Rounds = 5;

    private static readonly string[] s_months = ["2001-04", "2001-05", "2001-06"];

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var parquet = Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? ".", "flights-3m.parquet");
        var (ours, theirs) = (new List<Cost>(), new List<Cost>());
        // Turn and turn about, as the machine is not equally fast at all times: each round is compared with the one that follows it.
        for (var round = 0; round < Rounds; round++)
        {
            ours.Add(await RunOnceAsync(parquet));
            if (Rivals.Run(Rivals.Python, "flights.py", "run", await PrepareAsync(parquet)) is { } python)
            {
                theirs.Add(new(python.GetProperty("wall_s").GetDouble(), python.GetProperty("cpu_s").GetDouble(),
                    [.. s_months.Select(month => python.GetProperty("auc").GetProperty(month).GetDouble())]));
            }
        }

        var (wall, cpu) = (Median(ours, static cost => cost.Wall), Median(ours, static cost => cost.Cpu));
        if (theirs.Count < Rounds)
        {
            return [new("flights, file to served model: wall", wall, "s", "rival absent", null, "<= 0.5 of Python's", false)];
        }

        var (pythonWall, pythonCpu) = (Median(theirs, static cost => cost.Wall), Median(theirs, static cost => cost.Cpu));
        var wallRatio = ours.Zip(theirs, static (a, b) => a.Wall / b.Wall).Order().ElementAt(Rounds / 2);
        var cpuRatio = ours.Zip(theirs, static (a, b) => a.Cpu / b.Cpu).Order().ElementAt(Rounds / 2);
        var worst = ours[0].Auc.Zip(theirs[0].Auc, static (a, b) => a - b).Min();
        return
        [
            new("flights, file to served model: wall", wall, "s", F($"pandas + scikit-learn + FastAPI {pythonWall:0.0} s"), wallRatio, "<= 0.5", wallRatio <= 0.5),
            new("flights, file to served model: CPU", cpu, "CPU-s", F($"pandas + scikit-learn + FastAPI {pythonCpu:0.0} CPU-s"), cpuRatio, "<= 0.5", cpuRatio <= 0.5),
            new("flights: AUC, worst month's difference", worst, $"AUC {Text(ours[0].Auc)}", F($"scikit-learn {Text(theirs[0].Auc)}"), null, ">= -0.002", worst >= -0.002),
        ];
    }

    private static async Task<Cost> RunOnceAsync(string parquet)
    {
        var start = Stopwatch.GetTimestamp();
        var before = ProcessClock.CpuSeconds(Environment.ProcessId);
        // What a caller does anyway it does while the silo starts.
        var starting = ServerProcess.StartSiloAsync();
        var pipeline = FlightsPipelines.Trees(parquet);
        using var silo = await starting;
        using var client = new GristmillClient(silo.Url.ToString());
        var ready = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await client.RegisterPipelineAsync(pipeline.Spec);
        var registered = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var run = await Runs.FinishAsync(client, await client.StartRunAsync(pipeline.Name, new RunRequest { NoCache = true }));
        var finished = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await client.DeployAsync("bench", new DeploymentSpec { Model = "flight-delay-trees" });
        var deployed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await client.PredictAsync("bench", [new { hour = 17, weekday = 4, distance = 606, origin = "ATL", destination = "ORD" }]);
        var wall = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var cpu = ProcessClock.TreeCpuSeconds(silo.Id) + ProcessClock.CpuSeconds(Environment.ProcessId) - before;
        Console.Error.WriteLine(F($"    {cpu:0.0} CPU-s, of which the silo's own process {ProcessClock.CpuSeconds(silo.Id):0.0}; bench's {ProcessClock.CpuSeconds(Environment.ProcessId) - before:0.0}"));
        Console.Error.WriteLine(F($"    ready after {ready:0.00} s, registered {registered:0.00}, run ended {finished:0.00} ({(run.Ended - run.Created)!.Value.TotalSeconds:0.00} s), deployed {deployed:0.00}, answered {wall:0.00}"));
        foreach (var stage in run.Stages)
        {
            Console.Error.WriteLine(F($"    {stage.Name}: {(stage.Ended - stage.Started)?.TotalSeconds:0.00} s, {stage.Usage?.CpuMs / 1000:0.00} CPU-s, started after {(stage.Started - run.Created)?.TotalSeconds:0.00} s"));
        }

        var metrics = run.Stages.Single(stage => stage.Name == "evaluate").Outputs["metrics"].Metrics!;
        return new(wall, cpu, [.. s_months.Select(month => metrics[$"{month}/auc"])]);
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

    private static double Median(List<Cost> costs, Func<Cost, double> of) => costs.Select(of).Order().ElementAt(costs.Count / 2);

    private static string Text(double[] auc) => string.Join(' ', auc.Select(static value => value.ToString("0.0000", CultureInfo.InvariantCulture)));

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Cost(double Wall, double Cpu, double[] Auc);
}
