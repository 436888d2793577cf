using System.Globalization;
using Gristmill.Bench.Lifecycle;
using Gristmill.Testing;

namespace Gristmill.Bench.Pipelines;

/// <summary>
/// No-op stages in a chain of 1,000 and side by side, with SQLite and with PostgreSQL. A stage runs in a warm worker process; it
/// is stored as running before the worker hears of it, and as succeeded before the run hears of it.
/// </summary>
internal static class DurableStagesCase
{
    private const int Stages = 1_000, WarmRounds = 35, Rounds = 7;

    /// <summary>Measured on 2 cores on 2026-11-22; they are not at hand here.</summary>
    private const string Rivals = "DBOS on SQLite 268 steps/s, Prefect 90, Metaflow 2.3 (2026-11-22)";
    private const double Dbos = 268;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var cases = new List<BenchCase>(await MeasureAsync("SQLite", goal: 1_500));
        // Safe from the death of the silo, not from a power cut: what the flushes of a chain cost shows against it.
        cases.AddRange(await MeasureAsync("SQLite without flushes", goal: 0, "--Gristmill:SqliteSynchronous=normal"));
        if (PostgresServer.Missing is { } missing)
        {
            cases.Add(new("durable no-op stages, PostgreSQL", 0, "stages/s", missing, null, ">= 1,000/s", false));
            return cases;
        }

        await using var postgres = await PostgresServer.StartAsync();
        cases.AddRange(await MeasureAsync("PostgreSQL", goal: 1_000, "--Gristmill:Storage=postgres", $"--Gristmill:ConnectionString={postgres.ConnectionString}"));
        return cases;
    }

    private static async Task<IReadOnlyList<BenchCase>> MeasureAsync(string storage, double goal, params string[] settings)
    {
        using var silo = SiloUnderTest.Start(settings);
        var cases = new List<BenchCase>();
        foreach (var (shape, spec) in ((string, PipelineSpec)[])[("fan of 1,000", Dags.Fan(Stages)), ("chain of 1,000", Dags.Chain(Stages))])
        {
            await silo.Client.RegisterPipelineAsync(spec);
            // A server that has been up for a while: its code is compiled.
            for (var round = 0; round < WarmRounds; round++)
            {
                await RoundAsync(silo, spec);
            }

            var (cpu, allocated) = await silo.CostAsync();
            var rates = new List<double>();
            for (var round = 0; round < Rounds; round++)
            {
                rates.Add(await RoundAsync(silo, spec));
            }

            var (cpuAfter, allocatedAfter) = await silo.CostAsync();
            rates.Sort();
            var median = rates[Rounds / 2];
            var name = $"durable no-op stages, {shape}, {storage}";
            cases.Add(new(name, median, F($"stages/s ({rates[0]:0} to {rates[^1]:0})"), Rivals, median / Dbos, goal == 0 ? "-" : F($">= {goal:#,0}/s"), median >= goal));
            cases.Add(new($"{name}: CPU of the silo and its workers", (cpuAfter - cpu) / (Rounds * Stages) * 1e6, "us/stage", "-", null, "-", true));
            cases.Add(new($"{name}: allocated by the silo", (allocatedAfter - allocated) / (double)(Rounds * Stages) / 1024, "KiB/stage", "-", null, "-", true));
        }

        return cases;
    }

    private static async Task<double> RoundAsync(SiloUnderTest silo, PipelineSpec spec)
    {
        var run = await Runs.FinishAsync(silo.Client, await silo.Client.StartRunAsync(spec.Name));
        return Stages / (run.Ended! - run.Created).Value.TotalSeconds;
    }

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
