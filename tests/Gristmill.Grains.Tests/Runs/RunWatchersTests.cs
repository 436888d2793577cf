namespace Gristmill.Grains.Runs;

public sealed class RunWatchersTests
{
    [Fact]
    public async Task A_slow_watcher_loses_events_and_still_gets_the_outcome()
    {
        var watchers = new RunWatchers();
        var run = new RunView { Id = "r", Pipeline = "p", PipelineVersion = "v", Status = RunStatus.Running, Created = DateTimeOffset.UnixEpoch };
        await using var slow = watchers.WatchAsync(run, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await slow.MoveNextAsync());
        var next = slow.MoveNextAsync();
        for (var i = 0; i < 10_000; i++)
        {
            watchers.Publish(new StageView { Name = $"s{i}", Operation = "core.noop", Status = StageStatus.Running }, RunStatus.Running);
        }

        watchers.Publish(run with { Status = RunStatus.Succeeded, Ended = DateTimeOffset.UnixEpoch });
        var seen = new List<RunEvent>();
        while (await next)
        {
            seen.Add(slow.Current);
            next = slow.MoveNextAsync();
        }

        Assert.InRange(seen.Count, 2, 300);
        Assert.Equal(RunStatus.Succeeded, seen[^1].Run!.Status);
        Assert.Equal(10_001, seen[^1].Sequence);
        Assert.False(watchers.Any);
    }
}
