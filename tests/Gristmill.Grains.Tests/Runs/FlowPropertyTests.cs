using System.Collections.Concurrent;
using System.Collections.Immutable;
using Gristmill.Grains.Runs.Model;
using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Random pipelines with conditions, joins, loops, failures and crashes, on a silo that is killed now and then, end as a
/// model in memory says, and what each stage committed is what all others saw. GRISTMILL_PROPERTY_CASES sets how many cases
/// there are (30), GRISTMILL_PROPERTY_SEED the first of them.
/// </summary>
public sealed class FlowPropertyTests
{
    private static readonly int Cases = Setting("GRISTMILL_PROPERTY_CASES", 30);
    private static readonly int FirstSeed = Setting("GRISTMILL_PROPERTY_SEED", 1);

    [Fact]
    public async Task Random_pipelines_end_as_the_model_says()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var seed = FirstSeed; seed < FirstSeed + Cases; seed++)
        {
            await CheckAsync(cluster, seed, kills: 0);
        }
    }

    [Fact]
    public async Task They_do_so_on_a_silo_that_is_killed()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var seed = FirstSeed; seed < FirstSeed + Math.Max(1, Cases / 15); seed++)
        {
            await CheckAsync(cluster, 100_000 + seed, kills: 1 + (seed % 2));
        }
    }

    private static async Task CheckAsync(TestCluster cluster, int seed, int kills)
    {
        var made = FlowCase.Of(seed);
        Assert.Empty(PipelineSpecValidator.Validate(made.Spec));
        var attempts = new ConcurrentQueue<StageRequest>();
        var executions = new ConcurrentDictionary<string, int>();
        var random = new Random(seed);
        var killAt = Enumerable.Range(0, kills).Select(_ => random.Next(1, 12)).ToHashSet();
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

            if (executions.AddOrUpdate(request.Stage, 1, static (_, known) => known + 1) <= made.Crashes(request.Stage))
            {
                throw new GristmillException(ErrorCodes.WorkerCrashed, "crashed");
            }

            return made.Measures(request.Stage) is { } measured ? Result(measured) : throw new GristmillException(ErrorCodes.StageFailed, "no good");
        };

        var id = await cluster.RunAsync(made.Spec);
        var over = cluster.EndOfAsync(id);
        for (var i = 0; i < kills; i++)
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

        var run = await over;
        var problems = Problems(made, run, attempts).ToList();
        Assert.True(problems.Count == 0, $"Seed {seed}: {string.Join("; ", problems)}\n{GristmillJson.SerializeIndented(made.Spec)}\n{GristmillJson.SerializeIndented(run)}");
    }

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

        // Whoever took something took what was committed: nothing was committed twice.
        var committed = run.Stages.ToDictionary(static view => view.Name, static view => view.Outputs);
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
