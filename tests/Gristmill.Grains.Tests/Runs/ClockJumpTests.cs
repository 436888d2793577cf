using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

/// <summary>The clock of the silos is put forward or back while a run is under way: an empty battery, a late answer of a time server.</summary>
public sealed class ClockJumpTests
{
    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(400);

    [Theory, InlineData(-400), InlineData(400)]
    public async Task A_retry_waits_as_long_as_it_was_told_and_nothing_ends_before_it_began(int days)
    {
        await using var cluster = await TestCluster.StartAsync();
        var (failed, again) = (0L, 0L);
        cluster.Executor.On("b", request =>
        {
            if (request.Attempt == 1)
            {
                failed = Environment.TickCount64;
                cluster.Clock.Forward(TimeSpan.FromDays(days));
                throw new GristmillException(ErrorCodes.WorkerCrashed, "SIGKILL");
            }

            again = Environment.TickCount64;
            return Done();
        });

        var stage = Stage("b", "a") with { Retry = new RetryPolicy { Backoff = s_wait, Jitter = 0 }, Limits = new StageLimits { Timeout = TimeSpan.FromMinutes(5) } };
        var run = await cluster.EndOfAsync(await cluster.RunAsync(Pipeline(Stage("a"), stage, Stage("c", "b"), Stage("d", "b") with { Limits = new StageLimits { Timeout = TimeSpan.FromMinutes(5) } })));

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(2, run.Of("b").Attempts);
        Assert.InRange(again - failed, s_wait.TotalMilliseconds * 0.9, TimeSpan.FromMinutes(1).TotalMilliseconds);
        Assert.All(run.Stages, view => Assert.InRange(view.Ended!.Value, view.Started!.Value, DateTimeOffset.MaxValue));
        Assert.InRange(run.Started!.Value, run.Created, run.Ended!.Value);
    }

    [Theory, InlineData(-400), InlineData(400)]
    public async Task Runs_before_and_after_end_well_and_are_listed_in_the_order_they_were_started_in(int days)
    {
        await using var cluster = await TestCluster.StartAsync();
        var held = cluster.Executor.Hold("b");
        var spec = Pipeline(Stage("a"), Stage("b", "a"));
        var first = await cluster.RunAsync(spec);
        await held.Started.Task;
        cluster.Clock.Forward(TimeSpan.FromDays(days));
        held.Released.SetResult();
        var second = await cluster.RunAsync(spec);

        foreach (var run in new[] { await cluster.EndOfAsync(first), await cluster.EndOfAsync(second) })
        {
            Assert.Equal(RunStatus.Succeeded, run.Status);
            Assert.InRange(run.Ended!.Value, run.Started!.Value, DateTimeOffset.MaxValue);
        }

        Assert.True(string.CompareOrdinal(first, second) < 0);
        var listed = await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).ListRunsAsync(10, before: null);
        Assert.Equal([second, first], listed.Select(static run => run.Id));
    }
}
