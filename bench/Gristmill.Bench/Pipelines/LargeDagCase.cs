using System.Globalization;
using Gristmill.Bench.Lifecycle;
using Microsoft.Data.Sqlite;

namespace Gristmill.Bench.Pipelines;

/// <summary>A DAG of 10,000 stages against one of 1,000: time a stage, and the largest message and state of any grain.</summary>
internal static class LargeDagCase
{
    private const int Small = 1_000, Large = 10_000, Rounds = 3, Bound = 64 << 10;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        double small, large;
        using (var silo = SiloUnderTest.Start())
        {
            await silo.Client.RegisterPipelineAsync(Dags.Layers(Small));
            await silo.Client.RegisterPipelineAsync(Dags.Layers(Large));
            await RoundAsync(silo, Small);
            // In turn, so that a slow spell of the machine meets both.
            var (smalls, larges) = (new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                smalls.Add(await RoundAsync(silo, Small));
                larges.Add(await RoundAsync(silo, Large));
            }

            (small, large) = (smalls.Order().ElementAt(Rounds / 2), larges.Order().ElementAt(Rounds / 2));
        }

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
        var ratio = large / small;
        return
        [
            new("10,000-stage DAG, time a stage", large * 1000, "ms", string.Create(CultureInfo.InvariantCulture, $"itself at 1,000 stages {small * 1000:0.###} ms"), ratio, "<= 1.1", ratio <= 1.1),
            new("10,000-stage DAG: largest grain message", bytes, $"bytes ({message[1]})", "-", null, "<= 65,536", bytes <= Bound),
            new("10,000-stage DAG: largest grain state", state, "bytes", "-", null, "<= 65,536", state <= Bound),
        ];
    }

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
