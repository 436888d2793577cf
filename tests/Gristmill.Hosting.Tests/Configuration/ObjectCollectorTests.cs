using Apache.Arrow;
using Gristmill.Objects;
using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Hosting;

/// <summary>Which objects a collection takes, and which it must not.</summary>
public sealed class ObjectCollectorTests : IDisposable
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-collector-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Tables_of_a_removed_run_go_when_they_are_old_enough_and_nobody_has_them_mapped()
    {
        await using var silo = await EmbeddedSilo.StartAsync(_folder, static _ => { });
        var (store, collector) = Of(silo);
        var kept = await silo.RunAsync(noCache: true);
        var removed = await silo.RunAsync(noCache: true);
        var ids = Tables(removed);
        Assert.NotEmpty(ids);
        Assert.Equal(0, (await collector.CollectAsync(TimeSpan.Zero, dryRun: false, TestContext.Current.CancellationToken)).Objects);

        await silo.RemoveAsync(removed.Id);
        Assert.Equal(0, (await collector.CollectAsync(s_hour, dryRun: false, TestContext.Current.CancellationToken)).Objects);
        var dry = await collector.CollectAsync(TimeSpan.Zero, dryRun: true, TestContext.Current.CancellationToken);
        Assert.Equal((true, ids.Count, 0), (dry.DryRun, dry.Objects, dry.Mapped));
        Assert.Equal(ids.Order(), dry.Largest.Select(item => item.Id).Order());
        Assert.All(dry.Largest, item => Assert.StartsWith(removed.Id + "/", item.Owner, StringComparison.Ordinal));
        Assert.All(ids, id => Assert.True(store.Contains(id)));

        using (store.Get(ids[0]))
        {
            var spared = await collector.CollectAsync(TimeSpan.Zero, dryRun: false, TestContext.Current.CancellationToken);
            Assert.Equal((ids.Count - 1, 1), (spared.Objects, spared.Mapped));
            Assert.True(store.Contains(ids[0]));
        }

        silo.Clock.Forward(TimeSpan.FromMinutes(61));
        var late = await collector.CollectAsync(s_hour, dryRun: false, TestContext.Current.CancellationToken);
        Assert.Equal(1, late.Objects);
        Assert.True(late.Bytes > 0);
        Assert.All(ids, id => Assert.False(store.Contains(id)));
        // Its run's retention has ended too, but the run is there.
        Assert.All(Tables(kept), id => Assert.True(store.Contains(id)));
    }

    [Fact]
    public async Task What_the_cache_refers_to_stays_without_its_run_and_what_was_lost_is_computed_again()
    {
        await using var silo = await EmbeddedSilo.StartAsync(_folder, static _ => { });
        var (store, collector) = Of(silo);
        var first = await silo.RunAsync();
        await silo.RemoveAsync(first.Id);
        silo.Clock.Forward(TimeSpan.FromHours(2));
        Assert.Equal(0, (await collector.CollectAsync(TimeSpan.Zero, dryRun: false, TestContext.Current.CancellationToken)).Objects);
        var second = await silo.RunAsync();
        Assert.Equal(first.Stages.Length, second.CacheHits);
        Assert.Equal(Tables(first), Tables(second));

        await silo.RemoveAsync(second.Id);
        Assert.All(Tables(first), id => Assert.True(store.Delete(id)));
        var third = await silo.RunAsync();
        Assert.Equal((RunStatus.Succeeded, 0), (third.Status, third.CacheHits));
    }

    [Fact]
    public async Task Tables_of_nobody_and_of_runs_that_never_were_go_and_what_is_mapped_outlives_the_janitor()
    {
        await using var silo = await EmbeddedSilo.StartAsync(_folder, static _ => { });
        var (store, collector) = Of(silo);
        var unowned = Write(store);
        ObjectRef stranger;
        using (ObjectOwner.Use("00000000000000none/stage"))
        {
            stranger = Write(store);
        }

        var left = Path.Combine(store.Options.Directory, new string('0', 32) + ".1.building");
        await File.WriteAllTextAsync(left, "left", TestContext.Current.CancellationToken);
        // One of nobody may belong to a request that goes on at this moment.
        var gone = await collector.CollectAsync(TimeSpan.Zero, dryRun: false, TestContext.Current.CancellationToken);
        Assert.Equal((1, 1, 4L), (gone.Objects, gone.Abandoned, gone.AbandonedBytes));
        Assert.True(store.Contains(unowned.Id));
        Assert.False(store.Contains(stranger.Id));
        Assert.False(File.Exists(left));

        silo.Clock.Forward(TimeSpan.FromMinutes(3));
        using (store.Get(unowned))
        {
            Assert.Equal(0, await silo.CleanAsync());
        }

        Assert.Equal(1, (await collector.CollectAsync(TimeSpan.Zero, dryRun: false, TestContext.Current.CancellationToken)).Objects);
        Assert.False(store.Contains(unowned.Id));
    }

    private static (ObjectStore Store, ObjectCollector Collector) Of(EmbeddedSilo silo) =>
        (silo.Services.GetRequiredService<ObjectStore>(), silo.Services.GetRequiredService<ObjectCollector>());

    private static List<string> Tables(RunView run) => [.. run.Stages.SelectMany(static stage => stage.Outputs.Values).Select(static output => output.Dataset?.Id).OfType<string>()];

    private static ObjectRef Write(ObjectStore store)
    {
        using var writer = store.Create(new Schema([], null));
        return writer.Seal();
    }
}
