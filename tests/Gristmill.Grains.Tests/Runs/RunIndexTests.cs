using System.Collections.Immutable;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class RunIndexTests
{
    [Fact]
    public async Task The_index_is_told_of_each_change_with_a_sequence_that_grows()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Executor.On("a", static _ => Done(("auc", 0.75)));
        var spec = Pipeline(Stage("a"), Stage("b", "a")) with { Parameters = [new ParameterSpec("t", ParameterType.String, "\"it's\""), new ParameterSpec("n", ParameterType.Integer, "5")] };
        var id = await cluster.RunAsync(spec, new RunRequest { Tags = ImmutableDictionary<string, string>.Empty.Add("team", "x") });
        await cluster.EndOfAsync(id);
        await TestCluster.UntilAsync(() => Task.FromResult(cluster.Index.Newest(id)?.Run.Status == RunStatus.Succeeded));

        var puts = cluster.Index.Puts.Where(put => put.Run.Id == id).ToArray();
        Assert.Equal([0L, 1L, 2L], puts.Select(static put => put.Sequence).Distinct());
        Assert.Equal((RunStatus.Pending, RunStatus.Running), (puts[0].Run.Status, puts[1].Run.Status));
        var last = cluster.Index.Newest(id)!;
        Assert.Equal(("it's", "5"), (last.Run.Parameters["t"], last.Run.Parameters["n"]));
        Assert.Equal(spec.Name, last.Run.Pipeline);
        Assert.NotNull(last.Run.Ended);
        Assert.Equal(0.75, last.Metrics.Single(static metrics => metrics.Stage == "a").Values["auc"]);
        Assert.Equal("x", cluster.Index.Tags[id]["team"]);
    }

    [Fact]
    public async Task An_end_that_the_index_refused_is_told_again_by_the_runs_reminder()
    {
        await using var cluster = await TestCluster.StartAsync();
        var refused = 0;
        cluster.Index.Refuses = run => run.Sequence == 2 && Interlocked.Increment(ref refused) > 0;
        var id = await cluster.RunAsync(Pipeline(Stage("a")));
        Assert.Equal(RunStatus.Succeeded, (await cluster.EndOfAsync(id)).Status);

        // Until the run has given up.
        await TestCluster.UntilAsync(() => Task.FromResult(Volatile.Read(ref refused) >= 5));
        Assert.NotEqual(2, cluster.Index.Newest(id)?.Sequence);

        cluster.Index.Refuses = static _ => false;
        await cluster.Client.GetGrain<IRunControlGrain>(id).ResumeAsync();
        Assert.Equal((2L, RunStatus.Succeeded), (cluster.Index.Newest(id)!.Sequence, cluster.Index.Newest(id)!.Run.Status));
    }

    [Fact]
    public async Task A_retry_is_shown_though_the_run_had_ended()
    {
        await using var cluster = await TestCluster.StartAsync();
        var fails = true;
        cluster.Executor.On("a", _ => fails ? throw new GristmillException(ErrorCodes.StageFailed, "not yet") : Done());
        var id = await cluster.RunAsync(Pipeline(Stage("a")));
        Assert.Equal(RunStatus.Failed, (await cluster.EndOfAsync(id)).Status);
        await TestCluster.UntilAsync(() => Task.FromResult(cluster.Index.Newest(id)?.Run.Status == RunStatus.Failed));

        fails = false;
        await cluster.Client.GetGrain<IRunGrain>(id).RetryAsync();
        await TestCluster.UntilAsync(() => Task.FromResult(cluster.Index.Newest(id)?.Run.Status == RunStatus.Succeeded));

        Assert.Contains(cluster.Index.Puts, put => put is { Sequence: 5, Run.Status: RunStatus.Running });
        Assert.Equal(6, cluster.Index.Newest(id)!.Sequence);
    }

    [Fact]
    public async Task A_bad_tag_starts_nothing()
    {
        await using var cluster = await TestCluster.StartAsync();
        var spec = Pipeline(Stage("a"));
        var error = await Assert.ThrowsAsync<GristmillException>(() =>
            cluster.RunAsync(spec, new RunRequest { Tags = ImmutableDictionary<string, string>.Empty.Add("../x", "y") }));

        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Empty(await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).ListRunsAsync(10, null));
        Assert.Empty(cluster.Index.Puts);
    }
}
