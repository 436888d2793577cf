using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Caching;

public sealed class StageCacheTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    /// <summary>Makes the options of each test its own, and so its keys.</summary>
    private readonly string _options = $$"""{"test":"{{Guid.NewGuid()}}"}""";

    public StageCacheTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
        _cluster.Fingerprints.Doubts.Clear();
        _cluster.Fingerprints.Errors.Clear();
    }

    private PipelineSpec Chain(CacheSpec? cache = null) => Pipeline(Query("a") with { Cache = cache }, Query("b", "a"));

    private StageSpec Query(string name, params string[] inputs) => Stage(name, inputs) with { Operation = StageOperations.SqlQuery, Options = _options };

    private async Task<RunView> RunAsync(PipelineSpec spec, RunRequest? request = null) => await _cluster.EndOfAsync(await _cluster.RunAsync(spec, request));

    private Task<StageCacheRecord?> RecordAsync(RunView run, string stage) => _cluster.Client.GetGrain<IStageGrain>($"{run.Id}/{stage}").GetCacheAsync();

    [Fact]
    public async Task A_second_run_takes_over_what_the_first_computed()
    {
        var spec = Chain();
        var first = await RunAsync(spec);
        var second = await RunAsync(spec);

        Assert.Equal(RunStatus.Succeeded, second.Status);
        Assert.Equal((0, 2), (first.CacheHits, second.CacheHits));
        Assert.Equal(2, _cluster.Executor.Attempts.Count);
        Assert.Equal(new StageOrigin(first.Id, "a"), second.Of("a").CachedFrom);
        Assert.Equal(new StageOrigin(first.Id, "b"), second.Of("b").CachedFrom);
        Assert.Equal(first.Of("b").Outputs["out"], second.Of("b").Outputs["out"]);
        Assert.Equal(10, second.Of("b").Usage!.Rows);
        Assert.Equal(0, second.Of("b").Usage!.WallMs);
        Assert.Equal(CacheOutcome.Miss, (await RecordAsync(first, "a"))!.Outcome);
        Assert.Equal(CacheOutcome.Hit, (await RecordAsync(second, "a"))!.Outcome);
    }

    [Fact]
    public async Task Lookups_are_counted_by_outcome_and_operation()
    {
        var counts = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "gristmill.stage_cache.lookups")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            var said = tags.ToArray().ToDictionary(static tag => tag.Key, static tag => (string)tag.Value!);
            if (said["operation"] == ScriptedFingerprints.Counted)
            {
                counts.AddOrUpdate(said["outcome"], count, (_, sum) => sum + count);
            }
        });
        listener.Start();
        var spec = Pipeline(Query("a") with { Operation = ScriptedFingerprints.Counted });
        await RunAsync(spec);
        await RunAsync(spec);
        await RunAsync(spec);

        Assert.Equal(["hit 2", "miss 1"], counts.Select(static count => $"{count.Key} {count.Value}").Order());
    }

    [Fact]
    public async Task A_hit_of_a_hit_names_the_execution_that_computed()
    {
        var spec = Chain();
        var first = await RunAsync(spec);
        await RunAsync(spec);
        Assert.Equal(first.Id, (await RunAsync(spec)).Of("a").CachedFrom!.Run);
    }

    [Fact]
    public async Task Other_inputs_and_options_are_computed()
    {
        await RunAsync(Chain());
        _cluster.Executor.On("a", _ => Done(("other", 2)));
        var spec = Chain();
        var changed = spec with { Stages = spec.Stages.SetItem(0, spec.Stages[0] with { Options = """{"other":true}""" }) };
        Assert.Equal(0, (await RunAsync(changed)).CacheHits);
    }

    [Fact]
    public async Task A_run_without_the_cache_takes_nothing_over()
    {
        var spec = Chain();
        await RunAsync(spec);
        var second = await RunAsync(spec, new RunRequest { NoCache = true });
        Assert.Equal(0, second.CacheHits);
        Assert.Equal(4, _cluster.Executor.Attempts.Count);
        Assert.Equal("it was switched off for the run", (await RecordAsync(second, "a"))!.Reason);
    }

    [Fact]
    public async Task An_executor_that_replaces_stages_takes_nothing_over_and_leaves_nothing()
    {
        var spec = Chain();
        _cluster.Executor.IsFaithful = false;
        await RunAsync(spec);
        Assert.Equal(0, (await RunAsync(spec)).CacheHits);
        _cluster.Executor.IsFaithful = true;
        Assert.Equal(0, (await RunAsync(spec)).CacheHits);
    }

    [Fact]
    public async Task A_stage_without_the_cache_is_executed_alone()
    {
        // What follows is taken over as soon as the inputs are the same again.
        var table = Done();
        _cluster.Executor.On("a", _ => table);
        var spec = Chain(new CacheSpec { Policy = CachePolicy.Off });
        await RunAsync(spec);
        var second = await RunAsync(spec);
        Assert.Null(second.Of("a").CachedFrom);
        Assert.NotNull(second.Of("b").CachedFrom);
        Assert.Equal(CacheOutcome.Off, (await RecordAsync(second, "a"))!.Outcome);
    }

    [Fact]
    public async Task What_is_too_old_is_computed_again()
    {
        var spec = Chain(new CacheSpec { MaxStaleness = TimeSpan.FromHours(1) });
        await RunAsync(spec);
        Assert.Equal(2, (await RunAsync(spec)).CacheHits);
        _cluster.Clock.Forward(TimeSpan.FromHours(2));
        var third = await RunAsync(spec);
        Assert.Null(third.Of("a").CachedFrom);
        Assert.Contains("at most 01:00:00 is allowed", (await RecordAsync(third, "a"))!.Reason, StringComparison.Ordinal);
        Assert.Equal(third.Id, (await RunAsync(spec)).Of("a").CachedFrom!.Run);
    }

    [Fact]
    public async Task A_doubtful_stage_is_taken_over_only_where_the_policy_says_so()
    {
        _cluster.Fingerprints.Doubts["a"] = "its query has 'random'";
        var spec = Chain();
        await RunAsync(spec);
        var second = await RunAsync(spec);
        Assert.Null(second.Of("a").CachedFrom);
        Assert.Equal((CacheOutcome.Uncacheable, "its query has 'random'"), ((await RecordAsync(second, "a"))!.Outcome, (await RecordAsync(second, "a"))!.Reason));

        var bold = Chain(new CacheSpec { Policy = CachePolicy.On });
        await RunAsync(bold);
        Assert.NotNull((await RunAsync(bold)).Of("a").CachedFrom);
    }

    [Fact]
    public async Task An_entry_whose_table_is_gone_is_removed_and_computed_again()
    {
        var spec = Chain();
        var first = await RunAsync(spec);
        _cluster.Fingerprints.Lost[first.Of("a").Outputs["out"].Dataset!.Id] = true;
        var second = await RunAsync(spec);
        Assert.Null(second.Of("a").CachedFrom);
        Assert.Contains("evicted", (await RecordAsync(second, "a"))!.Reason, StringComparison.Ordinal);
        Assert.Equal(second.Id, (await RunAsync(spec)).Of("a").CachedFrom!.Run);
    }

    [Fact]
    public async Task A_stage_that_failed_or_has_no_outputs_leaves_nothing()
    {
        var failures = 0;
        _cluster.Executor.On("a", _ => failures++ == 0 ? throw new GristmillException(ErrorCodes.StageFailed, "no") : new StageResult());
        var spec = Pipeline(Query("a"));
        Assert.Equal(RunStatus.Failed, (await RunAsync(spec)).Status);
        Assert.Equal(RunStatus.Succeeded, (await RunAsync(spec)).Status);
        Assert.Equal(0, (await RunAsync(spec)).CacheHits);
        Assert.Equal(3, _cluster.Executor.Count("a"));
    }

    [Fact]
    public async Task A_cache_that_cannot_be_asked_fails_no_stage()
    {
        _cluster.Fingerprints.Errors["a"] = new IOException("the disk is on fire");
        var run = await RunAsync(Chain());
        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Contains("the disk is on fire", (await RecordAsync(run, "a"))!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_runs_at_once_are_both_right()
    {
        var gate = _cluster.Executor.Hold("a");
        var spec = Chain();
        var runs = new[] { await _cluster.RunAsync(spec), await _cluster.RunAsync(spec) };
        await TestCluster.UntilAsync(() => Task.FromResult(_cluster.Executor.Count("a") == 2));
        gate.Released.SetResult();
        var ended = await Task.WhenAll(runs.Select(_cluster.EndOfAsync));
        Assert.All(ended, static run => Assert.Equal(RunStatus.Succeeded, run.Status));
        Assert.All(ended, static run => Assert.Null(run.Of("a").CachedFrom));
        Assert.Contains((await RunAsync(spec)).Of("a").CachedFrom!.Run, runs);
    }

    [Fact]
    public async Task What_does_nothing_and_what_registers_is_not_looked_up()
    {
        var spec = Pipeline(Stage("a"));
        await RunAsync(spec);
        var second = await RunAsync(spec);
        Assert.Equal(0, second.CacheHits);
        Assert.Null(await RecordAsync(second, "a"));
        Assert.False(StageCache.Covers(StageOperations.Register));
    }
}
