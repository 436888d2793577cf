using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Gristmill.Storage.Postgres;
using Gristmill.Storage.Sqlite;
using Gristmill.Testing;
using Npgsql;

namespace Gristmill.Bench.Pipelines;

/// <summary>A hundred thousand runs kept: how long REST takes to list, filter, order and page them. MLflow's figure is of a tenth of the data and less.</summary>
internal static class RunSearchCase
{
    private const int Runs = 100_000;
    private const int Rounds = 21;
    private const double Goal = 50;
    private const string Against = "MLflow 3.18 server on SQLite: 76 s for the best 100 of 30,000 runs (2026-11-22)";

    private static readonly (string Name, string Query)[] s_questions =
    [
        ("list", "limit=100"),
        ("list one pipeline", "limit=100&pipeline=images"),
        ("filter by a parameter", "limit=100&filter=params.epochs%20%3D%20'8'"),
        ("filter that holds for few", "limit=100&filter=params.seed%20%3D%20'77777'"),
        ("best 100 by a metric", "limit=100&order=metrics.auc%20desc"),
        ("filter and order", "limit=100&order=metrics.auc%20desc&filter=params.epochs%20%3D%20'8'%20and%20metrics.loss%20%3C%200.5%20and%20tags.team%20%3D%20'red'"),
        ("filter that holds for none of many", "limit=100&order=metrics.auc%20desc&filter=params.epochs%20%3D%20'8'%20and%20tags.team%20%3D%20'none'"),
        ("order by duration", "limit=100&order=duration%20desc"),
    ];

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var cases = new List<BenchCase>();
        using (var silo = await ServerProcess.StartSiloAsync(FillFileAsync))
        {
            cases.AddRange(await AskAsync("SQLite", silo));
        }

        if (PostgresServer.Missing is { } missing)
        {
            cases.Add(new("100,000 runs kept, PostgreSQL", 0, "ms", missing, null, "< 50 ms", false));
            return cases;
        }

        await using var postgres = await PostgresServer.StartAsync();
        await FillDatabaseAsync(postgres.ConnectionString);
        using (var silo = await ServerProcess.StartSiloAsync(null, "--Gristmill:Storage=postgres", $"--Gristmill:ConnectionString={postgres.ConnectionString}"))
        {
            cases.AddRange(await AskAsync("PostgreSQL", silo));
        }

        return cases;
    }

    private static async Task<List<BenchCase>> AskAsync(string database, ServerProcess silo)
    {
        using var http = new HttpClient { BaseAddress = silo.Url };
        var cases = new List<BenchCase>();
        foreach (var (name, query) in s_questions)
        {
            cases.Add(Case(database, name, await MedianAsync(http, $"/api/v1/runs?{query}", pages: 1)));
        }

        cases.Add(Case(database, "page 20 by a metric", await MedianAsync(http, "/api/v1/runs?limit=100&order=metrics.auc%20desc", pages: 20)));
        return cases;
    }

    private static BenchCase Case(string database, string name, double milliseconds) =>
        new($"100,000 runs kept, {database}: {name}", milliseconds, "ms", name.StartsWith("best", StringComparison.Ordinal) ? Against : "-", null, "< 50 ms", milliseconds < Goal);

    /// <summary>The median time of the last of so many pages.</summary>
    private static async Task<double> MedianAsync(HttpClient http, string address, int pages)
    {
        var times = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var next = address;
            for (var page = 1; page <= pages; page++)
            {
                var start = Stopwatch.GetTimestamp();
                using var response = await http.GetAsync(new Uri(next, UriKind.Relative));
                var body = await response.Content.ReadAsStringAsync();
                var took = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (!response.IsSuccessStatusCode)
                {
                    throw new InvalidOperationException($"{next}: {body}");
                }

                if (page == pages)
                {
                    times.Add(took);
                }
                else
                {
                    var link = response.Headers.GetValues("Link").Single();
                    next = link[(link.IndexOf('<', StringComparison.Ordinal) + 1)..link.IndexOf('>', StringComparison.Ordinal)];
                }
            }
        }

        times.Sort();
        return times[times.Count / 2];
    }

    private static async Task FillFileAsync(string folder)
    {
        // Normal: nobody's data is at stake while the bench fills the file.
        using var store = new SqliteTrackingStore(new SqliteTrackingOptions { Path = Path.Combine(folder, "tracking.db"), Synchronous = SqliteSynchronous.Normal }, TimeProvider.System);
        await FillAsync(store);
    }

    private static async Task FillDatabaseAsync(string database)
    {
        await using (var store = new PostgresTrackingStore(new PostgresTrackingOptions { ConnectionString = database }, TimeProvider.System))
        {
            await FillAsync(store);
        }

        // As its own daemon does within a minute, for tables that so much was put into.
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var vacuum = new NpgsqlCommand("vacuum analyze", connection);
        await vacuum.ExecuteNonQueryAsync();
    }

    private static async Task FillAsync(ITrackingStore store)
    {
        var random = new Random(5);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var writes = new List<Task>();
        for (var i = 0; i < Runs; i++)
        {
            var created = start.AddMinutes(i);
            var auc = random.NextDouble();
            var id = string.Create(CultureInfo.InvariantCulture, $"0{i:000000000}run{i % 1000:00000}");
            writes.Add(store.PutRunAsync(new RunProjection
            {
                Sequence = 2,
                Run = new RunRecord
                {
                    Id = id,
                    Pipeline = i % 3 == 0 ? "images" : "flights",
                    PipelineVersion = "0123456789abcdef",
                    Status = i % 17 == 0 ? RunStatus.Failed : RunStatus.Succeeded,
                    Created = created,
                    Started = created.AddMilliseconds(8),
                    Ended = created.AddSeconds(random.Next(1, 4000)),
                    Parameters = ImmutableDictionary<string, string>.Empty
                        .Add("epochs", random.Next(1, 17).ToString(CultureInfo.InvariantCulture))
                        .Add("rate", random.NextDouble().ToString("R", CultureInfo.InvariantCulture))
                        .Add("seed", i.ToString(CultureInfo.InvariantCulture))
                        .Add("optimizer", i % 2 == 0 ? "adam" : "sgd"),
                },
                Metrics = [new StageMetrics("evaluate", 1, created, ImmutableDictionary<string, double>.Empty.Add("auc", auc).Add("loss", 1 - auc).Add("rows", 3e6))],
            }));
            writes.Add(store.SetTagsAsync(id, new Dictionary<string, string?> { ["team"] = i % 5 == 0 ? "red" : "blue" }));
            if (writes.Count >= 20_000)
            {
                await Task.WhenAll(writes);
                writes.Clear();
            }
        }

        await Task.WhenAll(writes);
    }
}
