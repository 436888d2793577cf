namespace Gristmill.Grains.Runs;

public sealed class RunWatchersTests
{
    private static readonly RunView s_run = new()
    {
        Id = "r",
        Pipeline = "p",
        PipelineVersion = "v",
        Status = RunStatus.Running,
        Created = DateTimeOffset.UnixEpoch,
        Counts = new StageCounts { Running = 1 },
    };

    // As in a grain: one thing at a time.
    private readonly TaskFactory _turns = new(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler);

    [Fact]
    public Task A_slow_watcher_misses_no_stage_s_end_and_takes_bounded_memory() => Turn(async () =>
    {
        var watchers = new RunWatchers();
        var whole = s_run with { Counts = new StageCounts() };
        await using var slow = watchers.WatchAsync(whole, [], TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await slow.MoveNextAsync());
        var next = slow.MoveNextAsync();
        foreach (var status in (StageStatus[])[StageStatus.Running, StageStatus.Succeeded])
        {
            for (var i = 0; i < 5_000; i++)
            {
                watchers.Publish(Stage(i, status), RunStatus.Running, new StageCounts { Succeeded = i }, paused: false);
            }
        }

        watchers.End(whole with { Status = RunStatus.Succeeded, Ended = DateTimeOffset.UnixEpoch });
        var seen = new List<RunEvent>();
        while (await next)
        {
            seen.Add(slow.Current);
            next = slow.MoveNextAsync();
        }

        Assert.Equal(RunStatus.Succeeded, seen[^1].Run!.Status);
        Assert.Equal(10_001, seen[^1].Sequence);
        Assert.False(watchers.Any);
        // Each stage once, as it ended: that it ran is no longer news.
        Assert.Equal(Enumerable.Range(0, 5_000).Select(static i => $"s{i}"), seen.SelectMany(static e => e.Stages).Select(static stage => stage.Name));
        Assert.All(seen.SelectMany(static e => e.Stages), static stage => Assert.Equal(StageStatus.Succeeded, stage.Status));
        Assert.All(seen.SkipLast(1), static change => Assert.InRange(change.Stages.Sum(StageViewSize.Of), 1, StageSelection.MaxBytes));
        Assert.InRange(seen.Count, 10, 200);
    });

    [Fact]
    public Task Who_watches_an_activation_that_goes_is_told_to_watch_again() => Turn(async () =>
    {
        var watchers = new RunWatchers();
        await using var watcher = Watch();
        Assert.True(await watcher.MoveNextAsync());
        var next = watcher.MoveNextAsync();
        watchers.Abort();
        await Assert.ThrowsAsync<EnumerationAbortedException>(async () => await next);
        Assert.False(watchers.Any);

        await using var late = Watch();
        Assert.True(await late.MoveNextAsync());
        await Assert.ThrowsAsync<EnumerationAbortedException>(async () => await late.MoveNextAsync());

        IAsyncEnumerator<RunEvent> Watch() => watchers.WatchAsync(s_run with { Counts = new StageCounts() }, [], TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
    });

    [Fact]
    public Task A_watcher_that_keeps_up_gets_every_change() => Turn(async () =>
    {
        var watchers = new RunWatchers();
        await using var watcher = watchers.WatchAsync(s_run with { Counts = new StageCounts() }, [], TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await watcher.MoveNextAsync());
        for (var i = 0; i < 50; i++)
        {
            var next = watcher.MoveNextAsync();
            watchers.Publish(Stage(0, StageStatus.Running) with { Attempts = i }, RunStatus.Running, new StageCounts { Running = 1 }, paused: false);
            Assert.True(await next);
            Assert.Equal((i, i + 1L, 1), (watcher.Current.Stage!.Attempts, watcher.Current.Sequence, watcher.Current.Counts.Running));
        }
    });

    [Fact]
    public Task What_follows_a_change_at_once_is_told_together_each_as_it_was_and_the_end_waits_for_nothing() => Turn(async () =>
    {
        var watchers = new RunWatchers();
        await using var watcher = watchers.WatchAsync(s_run with { Counts = new StageCounts() }, [], TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await watcher.MoveNextAsync());
        var next = watcher.MoveNextAsync();
        watchers.Publish(Stage(0, StageStatus.Running), RunStatus.Running, new StageCounts { Running = 1 }, paused: false);
        Assert.True(await next);

        next = watcher.MoveNextAsync();
        for (var i = 1; i < 9; i++)
        {
            watchers.Publish(Stage(i, StageStatus.Running), RunStatus.Running, new StageCounts { Running = i }, paused: false);
            await Task.Yield();
        }

        for (var i = 1; i < 9; i++)
        {
            Assert.True(await next);
            Assert.Equal($"s{i}", watcher.Current.Stage!.Name);
            next = watcher.MoveNextAsync();
            // In the same message, which an unfinished await would end.
            Assert.Equal(i < 8, next.IsCompleted);
        }

        watchers.Publish(Stage(9, StageStatus.Running), RunStatus.Running, new StageCounts { Running = 9 }, paused: false);
        watchers.End(s_run with { Status = RunStatus.Succeeded, Ended = DateTimeOffset.UnixEpoch });
        Assert.True(await next);
        Assert.Equal("s9", watcher.Current.Stage!.Name);
        Assert.True(await watcher.MoveNextAsync());
        Assert.Equal(RunStatus.Succeeded, watcher.Current.Run!.Status);
    });

    [Fact]
    public Task A_large_run_s_stages_follow_the_first_event_as_they_are_then() => Turn(async () =>
    {
        var watchers = new RunWatchers();
        StageView[] stages = [.. Enumerable.Range(0, 1_000).Select(static i => Stage(i, StageStatus.Pending))];
        await using var watcher = watchers.WatchAsync(s_run with { Counts = StageCounts.Of(stages) }, stages, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await watcher.MoveNextAsync());
        Assert.NotNull(watcher.Current.Run);
        watchers.Publish(Stage(999, StageStatus.Running), RunStatus.Running, new StageCounts { Pending = 999, Running = 1 }, paused: false);

        var told = new List<StageView>();
        while (told.Count < 1_000)
        {
            Assert.True(await watcher.MoveNextAsync());
            told.AddRange(watcher.Current.Stages);
        }

        Assert.Equal(stages.Select(static stage => stage.Name), told.Select(static stage => stage.Name));
        Assert.Equal(StageStatus.Running, told[^1].Status);
        // Caught up: from now on change by change.
        watchers.Publish(Stage(5, StageStatus.Running), RunStatus.Running, new StageCounts(), paused: false);
        Assert.True(await watcher.MoveNextAsync());
        Assert.Equal("s5", watcher.Current.Stage!.Name);
    });

    [Fact]
    public Task A_pause_is_told_also_to_a_watcher_that_is_behind() => Turn(async () =>
    {
        var watchers = new RunWatchers();
        var whole = s_run with { Counts = new StageCounts() };
        await using var watcher = watchers.WatchAsync(whole, [], TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await watcher.MoveNextAsync());
        Assert.False(watcher.Current.Paused);
        var next = watcher.MoveNextAsync();

        // More pauses than may wait: the last one is told.
        for (var i = 0; i <= 300; i++)
        {
            watchers.Publish(null, RunStatus.Running, new StageCounts(), paused: i % 2 == 0);
        }

        Assert.True(await next);
        while (watcher.Current.Sequence < 301)
        {
            Assert.True(await watcher.MoveNextAsync());
        }

        Assert.Equal((true, null, 0), (watcher.Current.Paused, watcher.Current.Stage, watcher.Current.Stages.Length));

        // Among changes of stages that come as pages, the pages tell.
        for (var i = 0; i < 300; i++)
        {
            watchers.Publish(Stage(i, StageStatus.Succeeded), RunStatus.Running, new StageCounts(), paused: true);
        }

        watchers.Publish(null, RunStatus.Running, new StageCounts(), paused: false);
        watchers.End(whole with { Status = RunStatus.Succeeded, Ended = DateTimeOffset.UnixEpoch });
        var last = watcher.Current;
        while (await watcher.MoveNextAsync() && watcher.Current.Run is null)
        {
            last = watcher.Current;
        }

        Assert.False(last.Paused);
        Assert.Equal("s299", last.Stages[^1].Name);
    });

    private static StageView Stage(int i, StageStatus status) => new() { Name = $"s{i}", Operation = "core.noop", Status = status };

    private Task Turn(Func<Task> test) => _turns.StartNew(test).Unwrap();
}
