using System.Globalization;
using Gristmill.Bench.Lifecycle;
using Microsoft.Data.Sqlite;

namespace Gristmill.Bench.Pipelines;

/// <summary>A DAG of 10,000 stages against one of 1,000: time a stage, and the largest message and state of any grain.</summary>
internal static class LargeDagCase
{
    private const int Small = 1_000, Large = 10_000, Rounds = 5, Bound = 64 << 10;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var rounds = new List<(double Small, double Large)>();
        using (var silo = SiloUnderTest.Start())
        {
            await silo.Client.RegisterPipelineAsync(Dags.Layers(Small));
            await silo.Client.RegisterPipelineAsync(Dags.Layers(Large));
            // A server that has been up for a while: its code is compiled.
            await RoundAsync(silo, Large);
            for (var round = 0; round < Rounds; round++)
            {
                // As many stages of each, so that both meet what comes now and then (a checkpoint, a collection); the small ones on both sides, so that
                // both meet a slow spell of the machine.
                var before = await SmallAsync(silo);
                var large = await RoundAsync(silo, Large);
                rounds.Add(((before + await SmallAsync(silo)) / 2, large));
            }
        }

        var ratio = rounds.Select(static round => round.Large / round.Small).Order().ElementAt(Rounds / 2);
        var (smallTime, largeTime) = (rounds.Select(static round => round.Small).Order().ElementAt(Rounds / 2), rounds.Select(static round => round.Large).Order().ElementAt(Rounds / 2));

        // Apart, as serialising every message once more takes time.
        string[] message;
        long state;
        using (var silo = SiloUnderTest.Start(BenchSilo.MeasureMessages))
        {
            await silo.Client.RegisterPipelineAsync(Dags.Layers(Large));
            await RoundAsync(silo, Large);
            message = (await silo.LargestMessageAsync()).Split(' ', 2);
            state = LargestState(silo.Database);
        }

        var bytes = long.Parse(message[0], CultureInfo.InvariantCulture);
        return
        [
            new("10,000-stage DAG, time a stage", largeTime * 1000, "ms", string.Create(CultureInfo.InvariantCulture, $"itself at 1,000 stages {smallTime * 1000:0.###} ms"), ratio, "<= 1.1", ratio <= 1.1),
            new("10,000-stage DAG: largest grain message", bytes, $"bytes ({message[1]})", "-", null, "<= 65,536", bytes <= Bound),
            new("10,000-stage DAG: largest grain state", state, "bytes", "-", null, "<= 65,536", state <= Bound),
        ];
    }

    private static async Task<double> SmallAsync(SiloUnderTest silo)
    {
        const int runs = Large / Small / 2;
        var seconds = 0.0;
        for (var run = 0; run < runs; run++)
        {
            seconds += await RoundAsync(silo, Small);
        }

        return seconds / runs;
    }

    /// <summary>Seconds a stage.</summary>
    private static async Task<double> RoundAsync(SiloUnderTest silo, int stages)
    {
        var run = await Runs.FinishAsync(silo.Client, await silo.Client.StartRunAsync(Dags.Layers(stages).Name));
        return (run.Ended! - run.Created).Value.TotalSeconds / stages;
    }

    private static long LargestState(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "select max(length(payload)) from grain_state";
        return (long)command.ExecuteScalar()!;
    }
}
