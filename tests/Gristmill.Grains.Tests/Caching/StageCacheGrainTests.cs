using System.Collections.Immutable;
using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Caching;

public sealed class StageCacheGrainTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    private static readonly int Room = new StageCacheOptions().MaxEntries / StageCacheShards.All.Count;

    private readonly TestCluster _cluster = fixture.Cluster;

    /// <summary>A part of its own for each test: the grain does not look where keys belong.</summary>
    private IStageCacheGrain Grain { get; } = fixture.Cluster.Client.GetGrain<IStageCacheGrain>(Guid.NewGuid().ToString());

    private CachedStage Entry(string key, string run = "r1") => new()
    {
        Key = key,
        Origin = new StageOrigin(run, "s"),
        Computed = _cluster.Clock.GetUtcNow(),
        Outputs = ScriptedExecutor.Done().Outputs,
    };

    [Fact]
    public async Task Keys_spread_over_all_parts() =>
        Assert.Equal(StageCacheShards.All.Count, await Task.FromResult(Enumerable.Range(0, 5000).Select(i => StageCacheShards.Of(PipelineVersion.Digest($"{i}"))).Distinct().Count()));

    [Fact]
    public async Task The_least_recently_used_entry_goes_when_there_are_too_many()
    {
        for (var i = 0; i < Room; i++)
        {
            await Grain.PutAsync(Entry($"k{i}"));
            _cluster.Clock.Forward(TimeSpan.FromSeconds(1));
        }

        Assert.NotNull(await Grain.FindAsync("k0"));
        _cluster.Clock.Forward(TimeSpan.FromSeconds(1));
        await Grain.PutAsync(Entry("one-more"));
        Assert.Equal(Room, (await Grain.ListAsync()).Length);
        Assert.NotNull(await Grain.FindAsync("k0"));
        Assert.Null(await Grain.FindAsync("k1"));
        Assert.NotNull(await Grain.FindAsync("one-more"));
    }

    [Fact]
    public async Task Entries_that_nobody_uses_go_with_time()
    {
        await Grain.PutAsync(Entry("old"));
        await Grain.PutAsync(Entry("used"));
        _cluster.Clock.Forward(TimeSpan.FromDays(5));
        Assert.NotNull(await Grain.FindAsync("used"));
        _cluster.Clock.Forward(TimeSpan.FromDays(5));
        Assert.Equal(["used"], (await Grain.ListAsync()).Select(static e => e.Key));
        Assert.Null(await Grain.FindAsync("old"));
    }

    [Fact]
    public async Task What_was_used_meanwhile_is_not_evicted()
    {
        await Grain.PutAsync(Entry("a"));
        await Grain.PutAsync(Entry("b"));
        _cluster.Clock.Forward(TimeSpan.FromMinutes(10));
        var since = _cluster.Clock.GetUtcNow();
        _cluster.Clock.Forward(TimeSpan.FromSeconds(1));
        await Grain.FindAsync("b");
        ImmutableArray<string> both = ["a", "b", "nobody"];
        Assert.Equal(["a"], await Grain.EvictAsync(both, since));
        Assert.Equal(["b"], (await Grain.ListAsync()).Select(static e => e.Key));
    }

    [Fact]
    public async Task An_entry_is_removed_only_in_the_name_of_its_own_execution()
    {
        await Grain.PutAsync(Entry("a", "r1"));
        await Grain.RemoveAsync("a", new StageOrigin("r0", "s"));
        Assert.NotNull(await Grain.FindAsync("a"));
        await Grain.RemoveAsync("a", new StageOrigin("r1", "s"));
        Assert.Null(await Grain.FindAsync("a"));
    }

    [Fact]
    public async Task The_list_says_what_the_tables_take()
    {
        var entry = Entry("a");
        await Grain.PutAsync(entry);
        var use = Assert.Single(await Grain.ListAsync());
        Assert.Equal([entry.Outputs["out"].Dataset!.Id], use.Objects);
        Assert.Equal(entry.Outputs["out"].Dataset!.Bytes, use.Bytes);
    }
}
