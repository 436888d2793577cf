using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Pipelines;

public sealed class RunListTests
{
    [Fact]
    public async Task The_newest_thousand_are_kept_with_their_keys()
    {
        var store = new MemoryStates();
        var list = new RunList(store, null!);
        for (var i = 0; i < 1234; i++)
        {
            await list.AddAsync(Entry(i));
        }

        // A new activation reads what was stored.
        list = new RunList(store, null!);
        list.Load();

        var kept = list.List(2000, before: null);
        Assert.InRange(kept.Count, RunList.Capacity - RunList.ChunkSize, RunList.Capacity);
        Assert.Equal(Enumerable.Range(0, kept.Count).Select(static i => Id(1233 - i)), kept.Select(static run => run.Id));
        Assert.Equal(Id(1233), list.FindByKey("key-1233")?.Summary.Id);
        Assert.Null(list.FindByKey("key-0"));
        Assert.Equal(Id(1199), list.List(1, before: Id(1200))[0].Id);
    }

    [Fact]
    public async Task A_change_rewrites_one_chunk_and_a_removed_run_is_gone()
    {
        var store = new MemoryStates();
        var list = new RunList(store, null!);
        for (var i = 0; i < 200; i++)
        {
            await list.AddAsync(Entry(i));
        }

        var writes = store.Writes;
        await list.UpdateAsync(Entry(7).Summary with { Status = RunStatus.Failed }, durable: true);
        await list.UpdateAsync(Entry(8).Summary with { Status = RunStatus.Running }, durable: false);
        await list.RemoveAsync(Id(9));
        await list.UpdateAsync(Entry(9).Summary, durable: true);

        Assert.Equal(writes + 2, store.Writes);
        var kept = list.List(1000, null);
        Assert.Equal(199, kept.Count);
        Assert.Equal(RunStatus.Failed, kept.Single(static run => run.Id == Id(7)).Status);
        Assert.Equal(RunStatus.Running, kept.Single(static run => run.Id == Id(8)).Status);
        Assert.Null(list.FindByKey("key-9"));
    }

    [Fact]
    public async Task What_a_run_told_before_its_end_and_comes_after_it_changes_nothing()
    {
        var list = new RunList(new MemoryStates(), null!);
        await list.AddAsync(Entry(1));
        var ended = Entry(1).Summary with { Status = RunStatus.Failed, Ended = DateTimeOffset.UnixEpoch };
        await list.UpdateAsync(ended, durable: true);
        await list.UpdateAsync(Entry(1).Summary with { Status = RunStatus.Running }, durable: false);
        Assert.Equal(ended, list.List(1, null)[0]);

        // Unless it goes on after that end.
        var retried = Entry(1).Summary with { Status = RunStatus.Running, Retries = 1 };
        await list.UpdateAsync(retried, durable: false);
        await list.UpdateAsync(ended, durable: true);
        Assert.Equal(retried, list.List(1, null)[0]);
    }

    private static string Id(int i) => $"{i:D6}";

    private static RunEntry Entry(int i) => new()
    {
        Summary = new RunSummary { Id = Id(i), Pipeline = "p", Status = RunStatus.Pending, Created = DateTimeOffset.UnixEpoch },
        IdempotencyKey = $"key-{i}",
    };
}
