using Gristmill.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

/// <summary>Stages that their run executes itself.</summary>
public sealed class CarriedStageTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public CarriedStageTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    private ScriptedExecutor Executor => _cluster.Executor;

    [Fact]
    public async Task A_chain_activates_no_stage_and_each_is_stored_as_its_grain_would_store_it()
    {
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b"))));
        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Empty(await ActivatedAsync(run.Id));

        foreach (var stage in run.Stages)
        {
            var state = await StateAsync(run.Id, stage.Name);
            Assert.Equal((StageStatus.Succeeded, 1, 1L, false), (state.Status, state.Attempt, state.Epoch, state.Carried));
            Assert.Null(state.Start);
            Assert.Equal(stage.Outputs["out"], state.Outputs["out"]);
            Assert.Equal((stage.Started, stage.Ended), (state.Started, state.Ended));
            Assert.Equal(stage, await _cluster.Client.GetGrain<IStageGrain>($"{run.Id}/{stage.Name}").GetAsync() is { } shown ? shown with { DependsOn = stage.DependsOn, Outputs = stage.Outputs } : null);
        }
    }

    [Fact]
    public async Task Stages_side_by_side_and_those_that_require_resources_are_their_grains()
    {
        var gpu = Stage("gpu", "last") with { Resources = System.Collections.Immutable.ImmutableDictionary<string, int>.Empty.Add("gpu", 1000) };
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(Pipeline(Stage("first"), Stage("left", "first"), Stage("right", "first"), Stage("last", "left", "right"), gpu)));

        Assert.Equal(RunStatus.Succeeded, run.Status);
        // The last one may be carried or not: whether those before it are known to have started when they have ended is chance.
        Assert.Equal(["gpu", "left", "right"], (await ActivatedAsync(run.Id)).Where(static stage => stage != "last"));
    }

    [Fact]
    public async Task Who_asks_for_a_stage_that_is_carried_sees_how_it_stands_and_starts_nothing()
    {
        var gate = Executor.Hold("b");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b")));
        var (running, pending) = (_cluster.Client.GetGrain<IStageGrain>($"{id}/b"), _cluster.Client.GetGrain<IStageGrain>($"{id}/c"));
        await gate.Started.Task;

        Assert.Equal((StageStatus.Running, 1), ((await running.GetAsync())!.Status, (await running.GetAsync())!.Attempts));
        Assert.Null(await running.GetCacheAsync());
        Assert.Null(await running.ReadLogAsync(0, 0, 100));
        Assert.Null(await pending.GetAsync());

        gate.Released.SetResult();
        var run = await _cluster.EndOfAsync(id);
        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(1, Executor.Count("b"));
        // The same activations as before.
        Assert.Equal(run.Of("b").Ended, (await running.GetAsync())!.Ended);
        Assert.Equal(run.Of("c").Ended, (await pending.GetAsync())!.Ended);
    }

    [Fact]
    public async Task A_stage_gets_what_the_stages_before_it_gave_though_the_run_is_many_stages_behind()
    {
        // More than a chain is laid out for at a time; each needs the two before it, and a number of the one before that.
        const int length = 200;
        var spec = Pipeline([.. Enumerable.Range(0, length).Select(static i => i switch
        {
            0 => Stage("s0"),
            1 => Stage("s1", "s0"),
            2 => Stage("s2", "s0", "s1"),
            _ => Stage($"s{i}", $"s{i - 2}", $"s{i - 1}") with { Options = $$$$"""{"n":{"$value":{"stage":"s{{{{i - 3}}}}","metric":"number"}}}""" },
        })]);
        Executor.Default = static request => Done(("number", Number(request)));
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(spec));

        Assert.Equal((RunStatus.Succeeded, length), (run.Status, run.Counts.Succeeded));
        Assert.Equal(Enumerable.Range(0, length).Select(static i => $"s{i}"), Executor.Attempts.Select(static attempt => attempt.Stage));
        Assert.Empty(await ActivatedAsync(run.Id));
        var stages = new List<StageView>();
        for (int? at = 0; at is { } offset;)
        {
            var page = (await _cluster.Client.GetGrain<IRunGrain>(run.Id).GetStagesAsync(offset, length, null))!;
            stages.AddRange(page.Stages);
            at = page.Next;
        }

        foreach (var attempt in Executor.Attempts.Skip(3))
        {
            var i = Number(attempt);
            Assert.Equal($$"""{"n":{{i - 3}}}""", attempt.Options);
            Assert.Equal(stages[i - 1].Outputs["out"], attempt.Inputs[$"s{i - 1}"]);
            Assert.Equal(stages[i - 2].Outputs["out"], attempt.Inputs[$"s{i - 2}"]);
        }

        static int Number(StageRequest request) => int.Parse(request.Stage[1..], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Who_asks_the_run_sees_each_stage_as_it_is_stored()
    {
        const int length = 30;
        var seen = new System.Collections.Concurrent.ConcurrentQueue<(StageStatus Before, StageStatus Self, int Running, int Succeeded)>();
        var chain = Pipeline([.. Enumerable.Range(0, length).Select(static i => i == 0 ? Stage("s0") : Stage($"s{i}", $"s{i - 1}"))]);
        for (var i = 1; i < length; i++)
        {
            var (self, before) = ($"s{i}", $"s{i - 1}");
            Executor.On(self, async (request, _, _) =>
            {
                var run = (await _cluster.Client.GetGrain<IRunGrain>(request.RunId).GetAsync())!;
                seen.Enqueue((run.Of(before).Status, run.Of(self).Status, run.Counts.Running, run.Counts.Succeeded));
                return Done();
            });
        }

        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(await _cluster.RunAsync(chain))).Status);
        Assert.Equal(Enumerable.Range(1, length - 1).Select(static i => (StageStatus.Succeeded, StageStatus.Running, 1, i)), seen);
    }

    [Fact]
    public async Task What_a_watcher_is_told_late_it_is_told_while_the_next_stage_runs()
    {
        // They end sooner than the run has another turn for them; then nothing happens any more.
        var gate = Executor.Hold("s5");
        var id = await _cluster.RunAsync(Pipeline([.. Enumerable.Range(0, 7).Select(static i => i == 0 ? Stage("s0") : Stage($"s{i}", $"s{i - 1}"))]));
        await foreach (var change in _cluster.Client.GetGrain<IRunGrain>(id).WatchAsync(TestContext.Current.CancellationToken))
        {
            if (change.Counts.Succeeded == 5 && change.Counts.Running == 1)
            {
                gate.Released.TrySetResult();
            }
        }

        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(id)).Status);
    }

    [Fact]
    public async Task A_carried_attempt_that_fails_is_followed_by_its_grains()
    {
        Executor.On("b", static request => request.Attempt < 3 ? throw new GristmillException(ErrorCodes.StageFailed, "not yet") : Done(("attempt", request.Attempt)));
        var retried = Stage("b", "a") with { Retry = new RetryPolicy { MaxAttempts = 3, Backoff = TimeSpan.FromMilliseconds(1), RetryErrors = true } };
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(Pipeline(Stage("a"), retried, Stage("c", "b"))));

        Assert.Equal((RunStatus.Succeeded, 3, StageStatus.Succeeded), (run.Status, run.Of("b").Attempts, run.Of("c").Status));
        Assert.Equal(3, run.Of("b").Outputs["metrics"].Metrics!["attempt"]);
        Assert.Equal([1L, 2L, 3L], Executor.Attempts.Where(static attempt => attempt.Stage == "b").Select(static attempt => attempt.Epoch));
    }

    [Fact]
    public async Task What_is_carried_after_a_failure_is_carried_though_the_failed_one_is_still_being_handed_over()
    {
        Executor.On("a", static _ => throw new GristmillException(ErrorCodes.StageFailed, "no good"));
        for (var i = 0; i < 5; i++)
        {
            var once = new RetryPolicy { MaxAttempts = 1 };
            var spec = Pipeline(Stage("a"), Stage("b", "a") with { IgnoreUpstreamFailure = true, Retry = once }, Stage("c", "b") with { Retry = once });
            var run = await _cluster.EndOfAsync(await _cluster.RunAsync(spec with { OnFailure = FailurePolicy.Continue }));

            Assert.Equal([(StageStatus.Failed, 1), (StageStatus.Succeeded, 1), (StageStatus.Succeeded, 1)], run.Stages.Select(static stage => (stage.Status, stage.Attempts)));
        }
    }

    [Fact]
    public async Task A_carried_attempt_that_fails_for_good_fails_the_run_with_its_error()
    {
        Executor.On("b", static _ => throw new GristmillException(ErrorCodes.BadValue, "wrong"));
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b"))));

        Assert.Equal((RunStatus.Failed, ErrorCodes.BadValue), (run.Status, run.Error!.Code));
        Assert.Equal((StageStatus.Failed, 1, StageStatus.Cancelled), (run.Of("b").Status, run.Of("b").Attempts, run.Of("c").Status));
        Assert.False((await StateAsync(run.Id, "c")).IsFinal);
    }

    [Fact]
    public async Task A_carried_stage_is_cancelled_with_its_run_and_the_retried_run_goes_on_from_it()
    {
        var gate = Executor.Hold("b");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b")));
        await gate.Started.Task;
        await _cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();
        var run = await _cluster.EndOfAsync(id);
        Assert.Equal((RunStatus.Cancelled, StageStatus.Cancelled), (run.Status, run.Of("b").Status));
        Assert.Equal(StageStatus.Cancelled, (await StateAsync(id, "b")).Status);

        Executor.On("b", static _ => Done());
        await _cluster.Client.GetGrain<IRunGrain>(id).RetryAsync();
        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(id)).Status);
        Assert.Equal((1, 2, 1), (Executor.Count("a"), Executor.Count("b"), Executor.Count("c")));
    }

    [Fact]
    public async Task A_run_whose_activation_goes_interrupts_the_stage_that_it_carries_which_counts_no_attempt()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Executor.On("b", async (request, _, cancellation) =>
        {
            if (request.Attempt == 1)
            {
                started.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }

            return Done(("attempt", request.Attempt));
        });
        var once = Stage("b", "a") with { Retry = new RetryPolicy { MaxAttempts = 1 } };
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), once, Stage("c", "b")));
        await started.Task;

        await _cluster.Cluster.DeactivateAsync(_cluster.Client.GetGrain<IRunGrain>(id));
        await _cluster.Client.GetGrain<IRunGrain>(id).GetAsync();
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal((RunStatus.Succeeded, 2), (run.Status, run.Of("b").Attempts));
        Assert.Equal(1, (await StateAsync(id, "b")).Interruptions);
        Assert.Equal((1, 2, 1), (Executor.Count("a"), Executor.Count("b"), Executor.Count("c")));
    }

    [Fact]
    public async Task An_activation_that_was_thought_dead_stores_neither_an_end_nor_the_start_that_follows()
    {
        var gate = Executor.Hold("b");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b")));
        await gate.Started.Task;

        // What the next activation of the run has the stage's grain do.
        Executor.On("b", static request => Done(("attempt", request.Attempt)));
        await _cluster.Client.GetGrain<IStageGrain>($"{id}/b").RestoreAsync(0, lost: false);
        await TestCluster.UntilAsync(async () => (await StateAsync(id, "b")).IsFinal);
        gate.Released.SetResult();
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal((RunStatus.Succeeded, 2), (run.Status, run.Of("b").Attempts));
        Assert.Equal(2, run.Of("b").Outputs["metrics"].Metrics!["attempt"]);
        Assert.Equal(1, Executor.Count("c"));
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("pause")]
    [InlineData("resume")]
    [InlineData("deactivate")]
    public async Task A_chain_that_is_met_between_two_stages_ends_as_one_that_is_met_in_one(string how)
    {
        const int length = 40;
        var chain = Pipeline([.. Enumerable.Range(0, length).Select(static i => i == 0 ? Stage("s0") : Stage($"s{i}", $"s{i - 1}"))]);
        for (var round = 0; round < 12; round++)
        {
            // Whoever ends a stage meets the run at that moment: while the end is stored, or the next is started.
            var at = 3 * round;
            var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Executor.Reset();
            Executor.On($"s{at}", _ =>
            {
                met.TrySetResult();
                return Done();
            });
            var id = await _cluster.RunAsync(chain);
            var grain = _cluster.Client.GetGrain<IRunGrain>(id);
            await met.Task;
            switch (how)
            {
                case "cancel":
                    await grain.CancelAsync();
                    break;
                case "pause":
                    try
                    {
                        await grain.PauseAsync();
                        await grain.ContinueAsync();
                    }
                    catch (GristmillException e) when (e.Code == ErrorCodes.Conflict)
                    {
                        // The chain was faster: what has ended cannot be paused.
                    }

                    break;
                case "resume":
                    await _cluster.Client.GetGrain<IRunControlGrain>(id).ResumeAsync();
                    break;
                default:
                    await _cluster.Cluster.DeactivateAsync(grain);
                    await grain.GetAsync();
                    break;
            }

            var run = await _cluster.EndOfAsync(id);
            Assert.True(run.Status == RunStatus.Succeeded || (how == "cancel" && run.Status == RunStatus.Cancelled), $"{how} at {at}: {run.Status} {run.Error?.Message}");
            Assert.Equal(run.Stages.TakeWhile(static stage => stage.Status == StageStatus.Succeeded).Count(), run.Counts.Succeeded);
            // Only the stage that a deactivation interrupted may have had two attempts.
            Assert.InRange(Executor.Attempts.Count, run.Counts.Succeeded, run.Counts.Succeeded + 1);
        }
    }

    private async Task<IEnumerable<string>> ActivatedAsync(string run) =>
        (await _cluster.Client.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics()).Select(static grain => grain.GrainId)
        .Where(grain => grain.Type.ToString() == "gristmill.stage" && grain.Key.ToString()!.StartsWith(run, StringComparison.Ordinal))
        .Select(static grain => grain.Key.ToString()!.Split('/')[1]).Order(StringComparer.Ordinal);

    private async Task<StageState> StateAsync(string run, string stage)
    {
        var storage = _cluster.Cluster.Silos[0].ServiceProvider.GetRequiredKeyedService<IGrainStorage>("gristmill");
        var state = new GrainState<StageState>();
        await storage.ReadStateAsync("stage", _cluster.Client.GetGrain<IStageGrain>($"{run}/{stage}").GetGrainId(), state);
        return state.State!;
    }
}
