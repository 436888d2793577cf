using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Pipelines;

public sealed class PipelineGrainTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public PipelineGrainTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    [Fact]
    public async Task Registering_the_same_spec_again_changes_nothing_and_another_makes_a_version()
    {
        var spec = Pipeline(Stage("a"));
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(spec.Name);

        var first = await pipeline.RegisterAsync(spec);
        var again = await pipeline.RegisterAsync(spec with { });
        var second = await pipeline.RegisterAsync(spec with { Description = "changed" });

        Assert.Equal(PipelineVersion.Of(spec), first.Version);
        Assert.Equal(first.Version, again.Version);
        Assert.Equal(first.Updated, again.Updated);
        Assert.NotEqual(first.Version, second.Version);
        Assert.Equal(2, second.Versions);
        Assert.Equal("changed", (await pipeline.GetAsync())!.Spec!.Description);
        Assert.Contains(spec.Name, await _cluster.Client.GetGrain<ICatalogGrain>("pipelines").ListAsync());
    }

    [Fact]
    public async Task A_bad_spec_changes_nothing()
    {
        var good = Pipeline(Stage("a"));
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(good.Name);
        await pipeline.RegisterAsync(good);

        var bad = await Assert.ThrowsAsync<GristmillException>(() => pipeline.RegisterAsync(good with { Stages = [Stage("b", "c")] }));
        var foreign = await Assert.ThrowsAsync<GristmillException>(() => pipeline.RegisterAsync(Pipeline(Stage("a"))));

        Assert.Equal(ErrorCodes.Invalid, bad.Code);
        Assert.Equal(ErrorCodes.Invalid, foreign.Code);
        Assert.Equal(PipelineVersion.Of(good), (await pipeline.GetAsync())!.Version);
    }

    [Fact]
    public async Task What_does_not_exist_cannot_be_started()
    {
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>("missing");

        var error = await Assert.ThrowsAsync<GristmillException>(() => pipeline.StartRunAsync(new RunRequest()));

        Assert.Equal(ErrorCodes.NotFound, error.Code);
        Assert.Null(await pipeline.GetAsync());
        Assert.Empty(await pipeline.ListRunsAsync(10, null));
    }

    [Fact]
    public async Task Wrong_parameters_start_no_run()
    {
        var spec = Pipeline(Stage("a"));
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(spec.Name);
        await pipeline.RegisterAsync(spec);
        var request = new RunRequest { Parameters = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("x", "1") };

        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => pipeline.StartRunAsync(request))).Code);

        Assert.Empty(await pipeline.ListRunsAsync(10, null));
    }

    [Fact]
    public async Task One_idempotency_key_makes_one_run_also_at_once_and_after_a_restart_of_the_grain()
    {
        var spec = Pipeline(Stage("a"));
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(spec.Name);
        await pipeline.RegisterAsync(spec);
        var request = new RunRequest { IdempotencyKey = "key-1" };

        var ids = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => pipeline.StartRunAsync(request)));
        await _cluster.EndOfAsync(ids[0]);
        await _cluster.Cluster.DeactivateAsync(pipeline);
        var later = await pipeline.StartRunAsync(request);
        var other = await pipeline.StartRunAsync(new RunRequest { IdempotencyKey = "key-2" });

        Assert.Equal(later, Assert.Single(ids.Distinct()));
        Assert.NotEqual(later, other);
        Assert.Equal(2, (await pipeline.ListRunsAsync(10, null)).Count);
        await _cluster.EndOfAsync(other);
    }

    [Fact]
    public async Task Runs_are_listed_newest_first_in_pages_with_their_status()
    {
        var spec = Pipeline(Stage("a"));
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(spec.Name);
        await pipeline.RegisterAsync(spec);
        var ids = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            ids.Add(await pipeline.StartRunAsync(new RunRequest()));
        }

        foreach (var id in ids)
        {
            await _cluster.EndOfAsync(id);
        }

        await TestCluster.UntilAsync(async () => (await pipeline.ListRunsAsync(10, null)).All(static run => run.Ended is not null));
        await _cluster.Cluster.DeactivateAsync(pipeline);
        var first = await pipeline.ListRunsAsync(3, null);
        var second = await pipeline.ListRunsAsync(10, first[^1].Id);

        Assert.Equal(Enumerable.Reverse(ids), first.Concat(second).Select(static run => run.Id));
        Assert.All(first.Concat(second), static run => Assert.Equal(RunStatus.Succeeded, run.Status));
        Assert.Equal(ids, ids.Order(StringComparer.Ordinal));
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => pipeline.ListRunsAsync(0, null))).Code);
    }

    [Fact]
    public async Task Many_runs_started_at_once_all_run()
    {
        var spec = Pipeline(Stage("a"), Stage("b", "a"));
        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(spec.Name);
        await pipeline.RegisterAsync(spec);

        var ids = await Task.WhenAll(Enumerable.Range(0, 120).Select(_ => pipeline.StartRunAsync(new RunRequest())));
        var runs = await Task.WhenAll(ids.Select(_cluster.EndOfAsync));

        Assert.Equal(120, ids.Distinct().Count());
        Assert.All(runs, static run => Assert.Equal(RunStatus.Succeeded, run.Status));
        Assert.Equal(240, _cluster.Executor.Attempts.Count);
        Assert.Equal(120, (await pipeline.ListRunsAsync(1000, null)).Count);
    }
}
