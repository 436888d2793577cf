using System.Collections.Concurrent;
using System.Collections.Immutable;
using Gristmill.Grains.Runs.Model;
using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Random pipelines with conditions, joins, loops, failures, crashes and retries end as a model in memory says, also on a silo that is
/// killed now and then: each stage in its status and after its number of attempts, committed once at most, and what each committed is
/// what all others saw. GRISTMILL_PROPERTY_CASES sets how many cases there are (30), GRISTMILL_PROPERTY_SEED the first of them: a number (1),
/// or "random" for another one each time; a failure says which it was.
/// </summary>
public sealed class FlowPropertyTests
{
    private const int Together = 10;

    private static readonly int Cases = Setting("GRISTMILL_PROPERTY_CASES", 30);
    private static readonly int FirstSeed = Environment.GetEnvironmentVariable("GRISTMILL_PROPERTY_SEED") == "random" ? Random.Shared.Next(1_000_000) : Setting("GRISTMILL_PROPERTY_SEED", 1);

    [Fact]
    public async Task Random_pipelines_end_as_the_model_says()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var seed = FirstSeed; seed < FirstSeed + Cases; seed++)
        {
            await CheckAsync(cluster, [FlowCase.Of(seed, kills: 0)], kills: 0);
        }
    }

    [Fact]
    public async Task They_do_so_on_a_silo_that_is_killed()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var seed = FirstSeed; seed < FirstSeed + Math.Max(1, Cases / 3); seed += Together)
        {
            await CheckAsync(cluster, [.. Enumerable.Range(seed, Together).Select(static seed => FlowCase.Of(seed, kills: 2))], kills: 2);
        }
    }

    /// <summary>Runs cases side by side, so that a kill strikes all of them.</summary>
    private static async Task CheckAsync(TestCluster cluster, FlowCase[] cases, int kills)
    {
        Assert.All(cases, static made => Assert.Empty(PipelineSpecValidator.Validate(made.Spec)));
        var bySeed = cases.ToDictionary(static made => made.Seed);
        var attempts = new ConcurrentQueue<StageRequest>();
        var executions = new ConcurrentDictionary<string, int>();
        var random = new Random(cases[0].Seed);
        var killAt = Enumerable.Range(0, kills).Select(_ => random.Next(1, 6 * cases.Length)).ToHashSet();
        var started = 0;
        var kill = new SemaphoreSlim(0);
        cluster.Executor.Reset();
        cluster.Executor.Default = request =>
        {
            attempts.Enqueue(request);
            if (killAt.Contains(Interlocked.Increment(ref started)))
            {
                kill.Release();
            }

            var made = bySeed[FlowCase.SeedOf(request.Stage)];
            var before = executions.AddOrUpdate(request.Stage, 1, static (_, known) => known + 1) - 1;
            return made.TroubleOf(request.Stage, before) is { } trouble ? throw trouble.Error() : Result(made.Measures(request.Stage));
        };

        var ids = await Task.WhenAll(cases.Select(made => cluster.RunAsync(made.Spec)));
        var over = Task.WhenAll(ids.Select(cluster.EndOfAsync));
        for (var i = 0; i < killAt.Count; i++)
        {
            using var enough = new CancellationTokenSource();
            if (await Task.WhenAny(kill.WaitAsync(enough.Token), over) == over)
            {
                await enough.CancelAsync();
                break;
            }

            await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
            await cluster.Cluster.StartAdditionalSiloAsync();
        }

        foreach (var (made, run) in cases.Zip(await over))
        {
            var problems = Problems(made, run, attempts.Where(attempt => attempt.RunId == run.Id)).Concat(Commits(made, run, cluster))
                .Concat(kills == 0 ? Attempts(made, run) : []).ToList();
            Assert.True(problems.Count == 0, $"GRISTMILL_PROPERTY_SEED={cases[0].Seed}, seed {made.Seed}: {string.Join("; ", problems)}\n{GristmillJson.SerializeIndented(made.Spec)}\n{GristmillJson.SerializeIndented(run)}");
        }
    }

    /// <summary>The store has taken each stage in as succeeded once, or, if it has not succeeded, never.</summary>
    private static IEnumerable<string> Commits(FlowCase made, RunView run, TestCluster cluster)
    {
        var executed = made.Model.Ends.Where(static end => end.Value.Attempts > 0).Select(static end => end.Key).ToHashSet();
        foreach (var view in run.Stages)
        {
            var commits = cluster.Commits.GetValueOrDefault($"{run.Id}/{view.Name}");
            var expected = view.Status == StageStatus.Succeeded && executed.Contains(view.Name) ? 1 : 0;
            if (commits != expected)
            {
                yield return $"{view.Name}, which {view.Status}, was committed {commits} times";
            }
        }
    }

    /// <summary>Where no silo was killed, each stage has had as many attempts as its policy and its troubles make.</summary>
    private static IEnumerable<string> Attempts(FlowCase made, RunView run) =>
        from view in run.Stages
        let end = made.Model.Ends.GetValueOrDefault(view.Name)
        where view.Operation is StageOperations.Code or StageOperations.NoOp && end is { MayBeCancelled: false } && view.Attempts != end.Attempts
        select $"{view.Name} had {view.Attempts} attempts, the model says {end.Attempts}";

    private static IEnumerable<string> Problems(FlowCase made, RunView run, IEnumerable<StageRequest> attempts)
    {
        if (run.Status != (made.Model.Fails ? RunStatus.Failed : RunStatus.Succeeded))
        {
            yield return $"the run {run.Status}, the model {(made.Model.Fails ? "fails" : "succeeds")}";
        }

        var views = run.Stages.ToDictionary(static view => view.Name);
        foreach (var (name, end) in made.Model.Ends)
        {
            if (!views.Remove(name, out var view) ? !end.MayBeCancelled && end.Status is not (StageStatus.Skipped or StageStatus.Cancelled)
                : view.Status != end.Status && !(end.MayBeCancelled && view.Status == StageStatus.Cancelled))
            {
                yield return $"{name} is {view?.Status.ToString() ?? "missing"}, the model says {end}";
            }
        }

        foreach (var unknown in views.Keys)
        {
            yield return $"{unknown} is unknown to the model";
        }

        // Whoever took something took what was committed.
        var makers = run.Stages.SelectMany(static view => view.Outputs.Values).Where(static output => output.Dataset is not null).Select(static output => output.Dataset!.Id).ToHashSet();
        foreach (var attempt in attempts)
        {
            foreach (var input in attempt.Inputs.Values.SelectMany(static input => input.Collection is { } all ? all.Items!.Value.OfType<Artifact>() : [input]))
            {
                if (!makers.Contains(input.Dataset!.Id))
                {
                    yield return $"{attempt.Stage} took {input.Dataset.Id}, which no stage says it made";
                }
            }
        }
    }

    private static StageResult Result(int measured) => new()
    {
        Outputs = ImmutableDictionary<string, Artifact>.Empty
            .Add("out", Artifact.Of(new ObjectRef(Guid.NewGuid().ToString("N"), "0123456789abcdef", 1, 1, "host")))
            .Add("list", Artifact.Of(ValueRef.Of($"[{string.Join(',', Enumerable.Range(0, measured))}]")))
            .Add("metrics", Artifact.Of(ImmutableDictionary<string, double>.Empty.Add("v", measured))),
    };

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), System.Globalization.CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
