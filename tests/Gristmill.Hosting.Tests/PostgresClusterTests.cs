using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Gristmill.Hosting.Runs;
using Gristmill.Testing;

namespace Gristmill.Hosting;

/// <summary>Two real silos, each with a data folder of its own, that are one cluster through PostgreSQL and share the content.</summary>
public sealed partial class PostgresClusterTests : IDisposable
{
    private readonly string _content = Directory.CreateTempSubdirectory("gristmill-content-").FullName;

    public void Dispose() => Directory.Delete(_content, recursive: true);

    private static readonly string[] s_quiet = ["--Logging:LogLevel:Gristmill.Grains.Runs=Debug"];

    [Fact]
    public async Task A_run_goes_on_when_the_silo_it_was_started_on_is_killed()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var postgres = await PostgresServer.StartAsync();
        await using var one = await StartAsync(postgres);
        await using var two = await StartAsync(postgres);
        await GoesOnElsewhereAsync(one, two);
        var spec = Dag("kill", stages: 600, width: 30, new Random(1));
        await RegisterAsync(one, spec);
        var id = await one.StartRunAsync(spec.Name);
        await one.FollowAsync(id, static change => change.Counts.Succeeded > 100);

        await one.KillAsync();
        var run = await two.FinishAsync(id);

        AssertEachOnce(run, spec, [one.Log, two.Log]);
        // The cluster has one silo less, and takes the dead one's successor in at once.
        await one.StartAsync();
        Assert.Equal(RunStatus.Succeeded, (await one.FinishAsync(await one.StartRunAsync(spec.Name))).Status);
    }

    /// <summary>GRISTMILL_CHAOS_KILLS says how many kills; more than a few take minutes.</summary>
    [Fact]
    public async Task Kills_at_random_moments_lose_nothing_and_commit_no_stage_twice()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        var kills = int.Parse(Environment.GetEnvironmentVariable("GRISTMILL_CHAOS_KILLS") ?? "1", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("GRISTMILL_CHAOS_SEED") ?? Random.Shared.Next().ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"GRISTMILL_CHAOS_SEED={seed}");
        var random = new Random(seed);
        await using var postgres = await PostgresServer.StartAsync();
        await using var one = await StartAsync(postgres);
        await using var two = await StartAsync(postgres);
        SiloProcess[] silos = [one, two];
        for (var left = kills; left > 0;)
        {
            var spec = Dag($"chaos-{left}", stages: 1_000, width: random.Next(1, 60), random);
            await RegisterAsync(silos[0], spec);
            var id = await silos[0].StartRunAsync(spec.Name);
            for (var at = random.Next(900); left > 0; at += random.Next(900))
            {
                var (killed, witness) = random.Next(2) == 0 ? (silos[0], silos[1]) : (silos[1], silos[0]);
                var now = await witness.FollowAsync(id, change => change.Counts.Succeeded >= at || change.Run?.Ended is not null);
                if (now.Run?.Ended is not null)
                {
                    break;
                }

                await killed.KillAsync();
                left--;
                await killed.StartAsync();
            }

            AssertEachOnce(await silos[1].FinishAsync(id), spec, [one.Log, two.Log]);
        }
    }

    /// <summary>Each silo has an object store of its own, as if it had a machine of its own: a table comes to the silo whose stage needs it, once.</summary>
    [Fact]
    public async Task Tables_come_to_the_host_whose_stages_need_them()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var postgres = await PostgresServer.StartAsync();
        await using var one = await StartAsync(postgres);
        await using var two = await StartAsync(postgres);
        SiloProcess[] silos = [one, two];
        var pipeline = Pipeline.Create("spread", p =>
        {
            var rows = p.Sql($"select range as n from range(500000)").Named("rows");
            foreach (var i in Enumerable.Range(0, 12))
            {
                p.Sql($"select sum(n) + {i} as total from {rows}").Named($"sum-{i}");
            }
        });
        await one.RegisterAsync(pipeline);
        var run = await one.FinishAsync(await one.StartRunAsync(pipeline.Name));

        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}\n{one.Log}\n{two.Log}");
        Assert.Equal(0, run.Retries); // none was made again instead
        var table = run.Stages.Single(static stage => stage.Name == "rows").Outputs["out"].Dataset!;
        // All but one time in thousands both took some of the twelve, so that this changes nothing: it went one way, once.
        foreach (var silo in silos)
        {
            Assert.Equal(500_000, (await silo.GetAsync<ObjectPreview>($"/api/v1/objects/{table.Id}/preview")).Total);
            Assert.True(File.Exists(Path.Combine(silo.ObjectDirectory, table.Id + ".arrow")));
        }

        Assert.Single(silos.SelectMany(static silo => Brought().Matches(silo.Log)), brought => brought.Groups["id"].Value == table.Id);

        // Asked at the wrong door: what only the other silo has is brought.
        foreach (var silo in silos)
        {
            var sums = run.Stages.Where(static stage => stage.Name.StartsWith("sum-", StringComparison.Ordinal));
            Assert.All(await Task.WhenAll(sums.Select(stage => silo.GetAsync<ObjectPreview>($"/api/v1/objects/{stage.Outputs["out"].Dataset!.Id}/preview"))), static preview => Assert.Single(preview.Rows));
        }
    }

    /// <summary>What runs log is found, filtered, ordered and tagged through any silo, while they run and when the one that executed them is dead.</summary>
    [Fact]
    public async Task What_runs_log_is_one_experiment_whichever_silo_is_asked()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var postgres = await PostgresServer.StartAsync();
        await using var one = await StartAsync(postgres);
        await using var two = await StartAsync(postgres);
        var go = Path.Combine(_content, "go");
        await one.RegisterAsync(Pipeline.Create("learn", p => p.Run(SiloStages.Learn, p.Parameter("rate", 1), go).Named("fit")));
        var runs = new List<string> { await StartRunAsync(1) };
        foreach (var silo in new[] { one, two })
        {
            MetricSeries[] curve;
            while ((curve = await TryGetAsync<MetricSeries[]>(silo, $"/api/v1/runs/{runs[0]}/metrics/loss") ?? []) is not [{ Total: 101 }])
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }

            Assert.Equal((101.0, 1.0), (curve[0].Values[0], curve[0].Values[^1]));
        }

        // Two run at a time on a silo of two slots, the first one until it may go on: it is not to wait for the others.
        for (var rate = 2; rate <= 6; rate++)
        {
            runs.Add(await StartRunAsync(rate));
        }

        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        foreach (var run in runs)
        {
            Assert.Equal(RunStatus.Succeeded, (await one.FinishAsync(run)).Status);
        }

        foreach (var (silo, i) in new[] { (one, 0), (two, 1) })
        {
            using var tagged = await silo.Http.PatchAsync(new Uri($"/api/v1/runs/{runs[i]}/tags", UriKind.Relative), SiloProcess.Json(new Dictionary<string, string> { ["by"] = $"silo{i}" }), TestContext.Current.CancellationToken);
            Assert.True(tagged.IsSuccessStatusCode, await tagged.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        await AssertFoundAsync(one);
        await AssertFoundAsync(two);
        await one.KillAsync();
        await AssertFoundAsync(two);

        Task<string> StartRunAsync(int rate) =>
            (rate % 2 == 0 ? one : two).StartRunAsync("learn", new RunRequest { Parameters = ImmutableDictionary<string, string>.Empty.Add("rate", $"{rate}") });

        async Task AssertFoundAsync(SiloProcess silo)
        {
            var found = await silo.GetAsync<RunRecord[]>($"/api/v1/runs?filter={Uri.EscapeDataString("params.batch >= 30 and metrics.loss < 6 and status = 'succeeded'")}&order={Uri.EscapeDataString("metrics.loss desc")}");
            Assert.Equal([runs[4], runs[3], runs[2]], found.Select(static run => run.Id));
            Assert.Equal([5.0, 4, 3], found.Select(static run => run.Metrics["fit.loss"]));
            Assert.Equal([.. runs.AsEnumerable().Reverse()], (await silo.GetAsync<RunRecord[]>("/api/v1/runs")).Select(static run => run.Id));
            for (var i = 0; i < 2; i++)
            {
                Assert.Equal([runs[i]], (await silo.GetAsync<RunRecord[]>($"/api/v1/runs?filter={Uri.EscapeDataString($"tags.by = 'silo{i}'")}")).Select(static run => run.Id));
            }
        }
    }

    private static async Task<T?> TryGetAsync<T>(SiloProcess silo, string path)
    {
        using var answer = await silo.Http.GetAsync(new Uri(path, UriKind.Relative));
        return answer.IsSuccessStatusCode ? await SiloProcess.ReadAsync<T>(answer) : default;
    }

    /// <summary>What stages leave is found whichever silo executed them: logs, live and after, and the checkpoint of a stage whose silo was killed.</summary>
    private async Task GoesOnElsewhereAsync(SiloProcess one, SiloProcess two)
    {
        SiloProcess[] silos = [one, two];
        var (go, counted) = (Path.Combine(_content, "go"), Path.Combine(_content, "counted"));
        var pipeline = Pipeline.Create("leave", p =>
        {
            p.Run(SiloStages.Talk, go).Named("talk");
            p.ForEach(Enumerable.Range(0, 6), i => p.Run(SiloStages.Say, i).Named("say"), name: "each");
            p.Run(SiloStages.Count, 5, counted).Named("count");
        });
        await one.RegisterAsync(pipeline);
        var id = await one.StartRunAsync(pipeline.Name);
        while (!File.Exists(counted))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        foreach (var silo in silos)
        {
            using var stream = new StreamReader(await silo.Http.GetStreamAsync(new Uri($"/api/v1/runs/{id}/stages/talk/logs/events", UriKind.Relative), TestContext.Current.CancellationToken));
            while (await stream.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.Contains("before", StringComparison.Ordinal))
            {
                // Live, though only one of them executes the stage.
            }
        }

        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken);
        await one.FollowAsync(id, static change => change.Counts.Succeeded >= 8);
        // The worker's own log tells which of them executes the stage that waits.
        var (killed, witness) = Counts(one) ? (one, two) : (two, one);
        Assert.NotEqual(Counts(one), Counts(two));
        await killed.KillAsync();
        var run = await witness.FinishAsync(id);
        await killed.StartAsync();

        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}");
        var count = run.Stages.Single(static stage => stage.Name == "count");
        Assert.Equal((2, 5.0), (count.Attempts, count.Outputs["metrics"].Metrics!["value"]));
        foreach (var silo in silos)
        {
            foreach (var (stage, said) in ((string, string)[])[("talk", "before\nafter\n"), ("count", "from 5\n"), .. Enumerable.Range(0, 6).Select(static i => ($"say[{i}]", $"{i}\n"))])
            {
                var page = await silo.GetAsync<LogPage>($"/api/v1/runs/{id}/stages/{stage}/logs");
                Assert.Equal((said, true), (page.Text, page.Ended));
            }

            Assert.Equal("from 0\n", (await silo.GetAsync<LogPage>($"/api/v1/runs/{id}/stages/count/logs?attempt=1")).Text);
        }

        static bool Counts(SiloProcess silo) =>
            Directory.EnumerateFiles(Path.Combine(silo.DataDirectory, "logs")).Any(static file => ReadShared(file).Contains("from 0", StringComparison.Ordinal));
    }

    private static string ReadShared(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd();
    }

    private static void AssertEachOnce(RunView run, PipelineSpec spec, string[] logs)
    {
        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Status} {run.Error?.Code} {run.Error?.Message}\n{string.Join('\n', logs.Select(static log => log[..Math.Min(20_000, log.Length)]))}");
        Assert.Equal(spec.Stages.Length, run.Counts.Succeeded);
        // A line is written after the commit: a kill between the two leaves none, and nothing may leave two.
        var ends = logs.SelectMany(log => Ended().Matches(log)).Where(match => match.Groups["run"].Value == run.Id).CountBy(static match => match.Groups["stage"].Value).ToDictionary();
        Assert.All(ends, static end => Assert.Equal(1, end.Value));
        Assert.InRange(ends.Count, spec.Stages.Length / 2, spec.Stages.Length);
    }

    private static PipelineSpec Dag(string name, int stages, int width, Random random) => new()
    {
        Name = name,
        Stages = [.. Enumerable.Range(0, stages).Select(i => new StageSpec
        {
            Name = $"s{i}",
            Operation = StageOperations.NoOp,
            Retry = new RetryPolicy { MaxAttempts = 100 },
            After = i < width ? [] : [.. Enumerable.Range(0, 3).Select(_ => $"s{random.Next(i - width, i)}").Distinct()],
        })],
    };

    private Task<SiloProcess> StartAsync(PostgresServer postgres) => SiloProcess.StartAsync(
        ["--Gristmill:Storage=postgres", $"--Gristmill:ConnectionString={postgres.ConnectionString}", $"--Gristmill:ContentDirectory={_content}", .. s_quiet]);

    private static async Task RegisterAsync(SiloProcess silo, PipelineSpec spec)
    {
        using var put = await silo.Http.PutAsync(new Uri($"/api/v1/pipelines/{spec.Name}", UriKind.Relative), SiloProcess.Json(spec), TestContext.Current.CancellationToken);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [GeneratedRegex("Object (?<id>[0-9a-f]{32}), [0-9]+ bytes, was brought here")]
    private static partial Regex Brought();

    [GeneratedRegex("Stage (?<run>[^/ ]+)/(?<stage>[^ ]+) ended: Succeeded")]
    private static partial Regex Ended();
}
