using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class RunRemovalTests : IClassFixture<ClusterFixture>
{
    private const string Blobs = "gristmill.blob/";

    private readonly TestCluster _cluster;

    public RunRemovalTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    private IRunGrain Grain(string run) => _cluster.Client.GetGrain<IRunGrain>(run);

    private static async Task<string> CodeAsync(Func<Task> call) => (await Assert.ThrowsAsync<GristmillException>(call)).Code;

    [Fact]
    public async Task A_run_that_has_ended_is_gone_everywhere()
    {
        var loud = $"s{Guid.NewGuid():N}";
        _cluster.Files.Loud[loud] = true;
        var spec = Pipeline(Stage("a"), Stage(loud, "a") with { Operation = StageOperations.Code });
        var id = await _cluster.RunAsync(spec, new RunRequest { IdempotencyKey = "k" });
        var other = await _cluster.RunAsync(spec);
        await _cluster.EndOfAsync(id);
        await _cluster.EndOfAsync(other);
        await TestCluster.UntilAsync(async () => (await _cluster.CountRowsAsync(id)).Reminders == 0);
        Assert.Equal(4, (await _cluster.CountRowsAsync(id)).States);

        await Grain(id).RemoveAsync();

        Assert.Equal((0, 0), await _cluster.CountRowsAsync(id));
        Assert.True(_cluster.Index.Removed.ContainsKey(id));
        Assert.Equal($"{loud}-1", _cluster.Files.Gone[new StageOrigin(id, loud)]);
        Assert.Null(await Grain(id).GetAsync());
        Assert.Null(await Grain(id).GetStagesAsync(0, 10, null));
        Assert.Null(await _cluster.Client.GetGrain<IStageGrain>($"{id}/{loud}").GetAsync());
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(spec.Name);
        Assert.Equal([other], (await pipeline.ListRunsAsync(10, null)).Select(static run => run.Id));
        Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => Grain(id).RemoveAsync()));
        Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => Grain(id).RetryAsync()));
        Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => Grain(id).WatchAsync().ToListAsync().AsTask()));
        Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => pipeline.StartRunAsync(new RunRequest { RerunOf = id })));

        // Its key is free, and its neighbour untouched.
        var again = await pipeline.StartRunAsync(new RunRequest { IdempotencyKey = "k" });
        Assert.NotEqual(id, again);
        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(again)).Status);
        Assert.Equal(RunStatus.Succeeded, (await Grain(other).GetAsync())!.Status);
    }

    [Fact]
    public async Task A_run_under_way_and_one_that_is_not_there_are_refused()
    {
        var gate = _cluster.Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await gate.Started.Task;

        Assert.Equal(ErrorCodes.Conflict, await CodeAsync(() => Grain(id).RemoveAsync()));
        Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => Grain("nobody").RemoveAsync()));

        gate.Released.SetResult();
        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(id)).Status);
        // At once, while the end may still be told.
        await Grain(id).RemoveAsync();
        Assert.Equal((0, 0), await _cluster.CountRowsAsync(id));
    }

    [Fact]
    public async Task Three_hundred_stages_go_with_their_pages_and_those_of_an_earlier_end()
    {
        StageSpec[] stages = [Stage("first"), .. Enumerable.Range(0, 299).Select(static i => Stage($"s{i}", "first"))];
        var broken = true;
        _cluster.Executor.On("s298", _ => broken ? throw new GristmillException(ErrorCodes.StageFailed, "not yet") : ScriptedExecutor.Done());
        var spec = Pipeline(stages);
        await _cluster.Client.RegisterPipelineAsync(spec);
        var before = (await _cluster.CountRowsAsync(Blobs)).States;
        var id = await _cluster.RunAsync(spec);
        Assert.Equal(RunStatus.Failed, (await _cluster.EndOfAsync(id)).Status);
        broken = false;
        await Grain(id).RetryAsync();
        var ended = await _cluster.EndOfAsync(id);
        Assert.Equal((RunStatus.Succeeded, 300), (ended.Status, ended.Counts.Succeeded));
        Assert.True((await _cluster.CountRowsAsync(Blobs)).States > before + 1);
        Assert.Equal(302, (await _cluster.CountRowsAsync(id)).States);

        await Grain(id).RemoveAsync();

        Assert.Equal((0, 0), await _cluster.CountRowsAsync(id));
        Assert.Equal(before, (await _cluster.CountRowsAsync(Blobs)).States);
        Assert.Null(await Grain(id).GetAsync());
    }

    [Fact]
    public async Task What_was_taken_over_from_it_stays()
    {
        var options = $$"""{"test":"{{Guid.NewGuid()}}"}""";
        var spec = Pipeline(Stage("q") with { Operation = StageOperations.SqlQuery, Options = options });
        var first = await _cluster.EndOfAsync(await _cluster.RunAsync(spec));
        var second = await _cluster.EndOfAsync(await _cluster.RunAsync(spec));
        Assert.Equal(first.Id, second.Of("q").CachedFrom!.Run);

        await Grain(first.Id).RemoveAsync();

        Assert.Equal(first.Of("q").Outputs["out"], (await Grain(second.Id).GetAsync())!.Of("q").Outputs["out"]);
        var third = await _cluster.EndOfAsync(await _cluster.RunAsync(spec));
        Assert.Equal((RunStatus.Succeeded, 1), (third.Status, third.CacheHits));
        Assert.Equal(first.Of("q").Outputs["out"], third.Of("q").Outputs["out"]);
        Assert.Single(_cluster.Executor.Attempts);
    }

    [Fact]
    public async Task A_removal_that_broke_off_is_finished_by_the_next_silo()
    {
        await using var cluster = await TestCluster.StartAsync();
        var spec = Pipeline([.. Enumerable.Range(0, 10).Select(static i => Stage($"s{i}"))]);
        var id = await cluster.RunAsync(spec);
        await cluster.EndOfAsync(id);
        cluster.Index.RefusesRemoval = run => run == id;

        // It gets as far as the index.
        Assert.Equal(ErrorCodes.StoreFull, await CodeAsync(() => cluster.Client.GetGrain<IRunGrain>(id).RemoveAsync()));
        Assert.Null(await cluster.Client.GetGrain<IRunGrain>(id).GetAsync());
        Assert.Empty(await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).ListRunsAsync(10, null));
        Assert.Equal((12, 1), await cluster.CountRowsAsync(id));

        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
        cluster.Index.RefusesRemoval = static _ => false;
        await cluster.Cluster.StartAdditionalSiloAsync();

        await TestCluster.UntilAsync(async () => await cluster.CountRowsAsync(id) == (0, 0));
        Assert.True(cluster.Index.Removed[id] >= 2);
    }

    [Fact]
    public async Task The_next_call_finishes_a_removal_whatever_it_had_done()
    {
        await using var cluster = await TestCluster.StartAsync();
        var id = await cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await cluster.EndOfAsync(id);
        var asked = 0;
        // The second time it is asked, all stages are gone.
        cluster.Index.RefusesRemoval = _ => Interlocked.Increment(ref asked) == 2;
        Assert.Equal(ErrorCodes.StoreFull, await CodeAsync(() => cluster.Client.GetGrain<IRunGrain>(id).RemoveAsync()));
        Assert.Equal((2, 1), await cluster.CountRowsAsync(id));

        await cluster.Client.GetGrain<IRunGrain>(id).RemoveAsync();

        Assert.Equal((0, 0), await cluster.CountRowsAsync(id));
        Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => cluster.Client.GetGrain<IRunGrain>(id).RemoveAsync()));
    }
}
