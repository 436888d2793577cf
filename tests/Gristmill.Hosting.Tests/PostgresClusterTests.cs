using System.Globalization;
using System.Text.RegularExpressions;
using Gristmill.Testing;

namespace Gristmill.Hosting;

/// <summary>Two real silos, each with a data folder of its own, that are one cluster through PostgreSQL.</summary>
public sealed partial class PostgresClusterTests
{
    private static readonly string[] s_quiet = ["--Logging:LogLevel:Gristmill.Grains.Runs=Debug"];

    [Fact]
    public async Task A_run_goes_on_when_the_silo_it_was_started_on_is_killed()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        await using var postgres = await PostgresServer.StartAsync();
        await using var one = await StartAsync(postgres);
        await using var two = await StartAsync(postgres);
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

    private static Task<SiloProcess> StartAsync(PostgresServer postgres) => SiloProcess.StartAsync(
        ["--Gristmill:Storage=postgres", $"--Gristmill:ConnectionString={postgres.ConnectionString}", .. s_quiet]);

    private static async Task RegisterAsync(SiloProcess silo, PipelineSpec spec)
    {
        using var put = await silo.Http.PutAsync(new Uri($"/api/v1/pipelines/{spec.Name}", UriKind.Relative), SiloProcess.Json(spec), TestContext.Current.CancellationToken);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [GeneratedRegex("Stage (?<run>[^/ ]+)/(?<stage>[^ ]+) ended: Succeeded")]
    private static partial Regex Ended();
}
