using System.Collections.Immutable;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class RunGrainTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public RunGrainTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    private ScriptedExecutor Executor => _cluster.Executor;

    [Fact]
    public async Task A_diamond_runs_in_order_and_hands_outputs_on()
    {
        var spec = Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "a"), Stage("d", "b", "c"));

        var id = await _cluster.RunAsync(spec);
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.All(run.Stages, static stage => Assert.Equal(StageStatus.Succeeded, stage.Status));
        Assert.Equal(["a", "b", "c", "d"], run.Stages.Select(static stage => stage.Name));
        Assert.Equal(["b", "c"], run.Of("d").DependsOn);
        Assert.All(run.Stages, static stage => Assert.Equal(1, stage.Attempts));
        var order = Executor.Attempts.Select(static attempt => attempt.Stage).ToList();
        Assert.Equal("a", order[0]);
        Assert.Equal("d", order[3]);
        var last = Executor.Attempts.Last();
        Assert.Equal(run.Of("b").Outputs["out"].Dataset, last.Inputs["b"].Dataset);
        Assert.Equal(run.Of("c").Outputs["out"].Dataset, last.Inputs["c"].Dataset);
        Assert.Equal(id, last.RunId);
        Assert.Equal(PipelineVersion.Of(spec), run.PipelineVersion);
        Assert.NotNull(run.Started);
        Assert.NotNull(run.Ended);
    }

    [Fact]
    public async Task Parameters_and_values_are_filled_into_options_as_literals()
    {
        Executor.On("a", _ => Done(("auc", 0.75)));
        var spec = Pipeline(
            Stage("a"),
            Stage("b") with
            {
                Options = """{"text":{"$param":"t"},"deep":[{"x":{"$value":{"stage":"a","metric":"auc"}}}],"n":{"$param":"n"},"plain":"$param"}""",
            }) with
        {
            Parameters = [new ParameterSpec("t", ParameterType.String, null), new ParameterSpec("n", ParameterType.Integer, "5")],
        };

        var given = ImmutableDictionary<string, string>.Empty.Add("t", "\"a \\\"quoted\\\" {$param}\"");
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(spec, new RunRequest { Parameters = given }));

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(["a"], run.Of("b").DependsOn);
        Assert.Equal("5", run.Parameters["n"]);
        using var options = System.Text.Json.JsonDocument.Parse(Executor.Attempts.Last().Options);
        Assert.Equal("a \"quoted\" {$param}", options.RootElement.GetProperty("text").GetString());
        Assert.Equal(0.75, options.RootElement.GetProperty("deep")[0].GetProperty("x").GetDouble());
        Assert.Equal(5, options.RootElement.GetProperty("n").GetInt32());
        Assert.Equal("$param", options.RootElement.GetProperty("plain").GetString());
    }

    [Fact]
    public async Task A_condition_that_fails_skips_the_stage_and_those_that_need_it()
    {
        Executor.On("a", _ => Done(("auc", 0.5)));
        var spec = Pipeline(
            Stage("a"),
            Stage("b", "a") with { When = new ConditionSpec("a", "auc", ">", """{"$param":"least"}""") },
            Stage("c", "b"),
            Stage("d") with { After = ["c"] },
            Stage("e", "a") with { When = new ConditionSpec("a", "auc", "<=", "0.5") }) with
        {
            Parameters = [new ParameterSpec("least", ParameterType.Number, "0.66")],
        };

        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(spec));

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(StageStatus.Skipped, run.Of("b").Status);
        Assert.Equal("its condition does not hold: a.auc is 0.5, not > least, which is 0.66", run.Of("b").Reason);
        Assert.Equal(StageStatus.Skipped, run.Of("c").Status);
        Assert.Contains("'b'", run.Of("c").Reason, StringComparison.Ordinal);
        Assert.Equal(StageStatus.Succeeded, run.Of("d").Status);
        Assert.Equal(StageStatus.Succeeded, run.Of("e").Status);
        Assert.Equal(0, Executor.Count("b") + Executor.Count("c"));
    }

    [Fact]
    public async Task A_failure_lets_running_siblings_finish_and_starts_nothing_more()
    {
        var sibling = Executor.Hold("sibling");
        Executor.On("bad", async (_, _, _) =>
        {
            await sibling.Started.Task;
            throw new GristmillException(ErrorCodes.StageFailed, "no good", "fix it").With("line", "7");
        });
        var id = await _cluster.RunAsync(Pipeline(Stage("bad"), Stage("sibling"), Stage("after", "sibling"), Stage("later", "bad")));

        await foreach (var change in _cluster.Client.GetGrain<IRunGrain>(id).WatchAsync())
        {
            if (change.Stage is { Name: "bad", Status: StageStatus.Failed } || change.Run?.Of("bad").Status == StageStatus.Failed)
            {
                sibling.Released.TrySetResult();
            }
        }

        var run = (await _cluster.Client.GetGrain<IRunGrain>(id).GetAsync())!;
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(ErrorCodes.StageFailed, run.Error!.Code);
        Assert.Equal("7", run.Error.Details["line"]);
        Assert.Equal("bad", run.Error.Details["stage"]);
        Assert.Equal("fix it", run.Of("bad").Error!.Hint);
        Assert.Equal(1, run.Of("bad").Attempts);
        Assert.Equal(StageStatus.Succeeded, run.Of("sibling").Status);
        Assert.Equal(StageStatus.Cancelled, run.Of("after").Status);
        Assert.Equal(StageStatus.Cancelled, run.Of("later").Status);
        Assert.Equal(0, Executor.Count("after"));
    }

    [Fact]
    public async Task A_crash_is_retried_with_new_attempts_and_epochs_until_it_works()
    {
        Executor.On("a", request => request.Attempt < 3
            ? throw new GristmillException(ErrorCodes.WorkerCrashed, "SIGSEGV")
            : Done());

        var run = await EndOfAsync(Stage("a") with { Retry = new RetryPolicy { Backoff = TimeSpan.FromMilliseconds(1) } });

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(3, run.Of("a").Attempts);
        Assert.Null(run.Of("a").Error);
        Assert.Equal([1, 2, 3], Executor.Attempts.Select(static a => a.Attempt));
        Assert.Equal([1L, 2L, 3L], Executor.Attempts.Select(static a => a.Epoch));
    }

    [Fact]
    public async Task Crashes_end_at_the_limit_with_the_crashs_own_error()
    {
        Executor.On("a", static _ => throw new GristmillException(ErrorCodes.WorkerCrashed, "SIGKILL").With("signal", "SIGKILL"));

        var run = await EndOfAsync(Stage("a") with { Retry = new RetryPolicy { MaxAttempts = 2, Backoff = TimeSpan.Zero } });

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(ErrorCodes.WorkerCrashed, run.Error!.Code);
        Assert.Equal("SIGKILL", run.Error.Details["signal"]);
        Assert.Equal(2, Executor.Count("a"));
    }

    [Theory, InlineData(false, 1), InlineData(true, 3)]
    public async Task A_stages_own_error_is_retried_only_if_asked_for(bool retryErrors, int attempts)
    {
        Executor.On("a", static _ => throw new InvalidOperationException("own"));

        var run = await EndOfAsync(Stage("a") with { Retry = new RetryPolicy { RetryErrors = retryErrors, Backoff = TimeSpan.Zero } });

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Contains("own", run.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(attempts, Executor.Count("a"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_cancelled_run_ends_within_a_second_or_so(bool heedsCancellation)
    {
        var started = new TaskCompletionSource();
        var never = new TaskCompletionSource<StageResult>();
        Executor.On("a", (_, _, cancellation) =>
        {
            started.TrySetResult();
            return heedsCancellation ? never.Task.WaitAsync(cancellation) : never.Task;
        });
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await started.Task;

        var watch = System.Diagnostics.Stopwatch.StartNew();
        await _cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();
        var run = await _cluster.EndOfAsync(id);
        watch.Stop();

        Assert.Equal(RunStatus.Cancelled, run.Status);
        Assert.Null(run.Error);
        Assert.Equal(StageStatus.Cancelled, run.Of("a").Status);
        Assert.Equal(StageStatus.Cancelled, run.Of("b").Status);
        Assert.Equal(0, Executor.Count("b"));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(heedsCancellation ? 5 : 10), $"took {watch.Elapsed}");
        await _cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();
        never.TrySetResult(Done());
    }

    [Fact]
    public async Task A_run_can_be_cancelled_while_a_stage_waits_for_its_next_attempt()
    {
        Executor.On("a", static _ => throw new GristmillException(ErrorCodes.WorkerCrashed, "SIGSEGV"));
        var id = await _cluster.RunAsync(Pipeline(Stage("a") with { Retry = new RetryPolicy { Backoff = TimeSpan.FromHours(1) } }));
        await foreach (var change in _cluster.Client.GetGrain<IRunGrain>(id).WatchAsync())
        {
            if (change.Stage?.Error is not null || change.Run?.Of("a").Error is not null)
            {
                break;
            }
        }

        await _cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();

        Assert.Equal(RunStatus.Cancelled, (await _cluster.EndOfAsync(id)).Status);
        Assert.Equal(1, Executor.Count("a"));
    }

    [Fact]
    public async Task A_stage_that_takes_too_long_fails_with_its_limit_named()
    {
        Executor.On("a", static async (request, _, cancellation) =>
        {
            // The executor keeps the limit, as the real ones do.
            await Task.Delay(request.Limits.Timeout!.Value, cancellation);
            throw new GristmillException(ErrorCodes.Timeout, $"longer than {request.Limits.Timeout}");
        });

        var run = await EndOfAsync(Stage("a") with { Limits = new StageLimits { Timeout = TimeSpan.FromMilliseconds(50) } });

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(ErrorCodes.Timeout, run.Error!.Code);
        Assert.Contains("00:00:00.05", run.Error.Message, StringComparison.Ordinal);
        Assert.Equal(1, Executor.Count("a"));
    }

    [Fact]
    public async Task A_watch_shows_the_whole_run_first_then_changes_in_order_then_the_whole_run()
    {
        var gate = Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await gate.Started.Task;

        var events = new List<RunEvent>();
        await foreach (var change in _cluster.Client.GetGrain<IRunGrain>(id).WatchAsync())
        {
            events.Add(change);
            gate.Released.TrySetResult();
        }

        Assert.NotNull(events[0].Run);
        Assert.Equal(RunStatus.Running, events[0].Status);
        Assert.Equal(StageStatus.Running, events[0].Run!.Of("a").Status);
        Assert.Equal(RunStatus.Succeeded, events[^1].Run!.Status);
        Assert.All(events[1..^1], static change => Assert.NotNull(change.Stage));
        Assert.Equal(
            Enumerable.Range(0, events.Count).Select(i => events[0].Sequence + i), events.Select(static change => change.Sequence));
        Assert.Equal(
            ["a Succeeded", "b Running", "b Succeeded"], events[1..^1].Select(static change => $"{change.Stage!.Name} {change.Stage.Status}"));

        // Over already: the outcome, once.
        var again = await _cluster.Client.GetGrain<IRunGrain>(id).WatchAsync().ToListAsync();
        Assert.Equal(RunStatus.Succeeded, Assert.Single(again).Run!.Status);
    }

    [Fact]
    public async Task Progress_is_passed_on_but_not_all_of_it()
    {
        var gate = new TaskCompletionSource();
        Executor.On("a", async (_, progress, _) =>
        {
            for (var i = 1; i <= 1000; i++)
            {
                progress!.Report(new StageProgress(i / 1000.0, $"step {i}"));
            }

            await gate.Task;
            return Done();
        });
        var id = await _cluster.RunAsync(Pipeline(Stage("a")));

        var seen = new List<StageProgress>();
        await foreach (var change in _cluster.Client.GetGrain<IRunGrain>(id).WatchAsync())
        {
            if ((change.Stage ?? change.Run?.Of("a"))?.Progress is { } progress)
            {
                seen.Add(progress);
                if (progress.Fraction == 1)
                {
                    gate.TrySetResult();
                }
            }
        }

        Assert.Equal("step 1000", seen[^1].Message);
        Assert.InRange(seen.Count, 1, 20);
        Assert.Null((await _cluster.Client.GetGrain<IRunGrain>(id).GetAsync())!.Of("a").Progress);
    }

    [Fact]
    public async Task What_a_stage_uses_but_an_earlier_one_does_not_have_is_named()
    {
        var run = await EndOfAsync(Stage("a"), Stage("b") with { Inputs = ImmutableDictionary<string, OutputRef>.Empty.Add("data", new OutputRef("a", "train")) });
        Assert.Equal(ErrorCodes.Invalid, run.Error!.Code);
        Assert.Contains("'train'", run.Error.Message, StringComparison.Ordinal);
        Assert.Contains("metrics, out", run.Error.Message, StringComparison.Ordinal);

        run = await EndOfAsync(Stage("a"), Stage("b") with { When = new ConditionSpec("a", "auc", ">", "0") });
        Assert.Equal(StageStatus.Failed, run.Of("b").Status);
        Assert.Contains("'auc'", run.Error!.Message, StringComparison.Ordinal);
        Assert.Contains("has n", run.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_register_stage_makes_one_version_with_its_metrics()
    {
        var model = new ModelRef(new string('a', 64), "lightgbm", 5);
        Executor.On("train", _ => new StageResult
        {
            Outputs = ImmutableDictionary<string, Artifact>.Empty
                .Add("out", Artifact.Of(model))
                .Add("metrics", Artifact.Of(ImmutableDictionary<string, double>.Empty.Add("trained", 9))),
        });
        Executor.On("eval", _ => Done(("auc", 0.7)));
        var name = $"m-{Guid.NewGuid():N}";
        var register = new StageSpec
        {
            Name = "register",
            Operation = StageOperations.Register,
            Options = "{\"name\":\"" + name + "\",\"metrics\":{\"extra\":3}}",
            Inputs = ImmutableDictionary<string, OutputRef>.Empty.Add("model", new OutputRef("train")).Add("metrics", new OutputRef("eval", "metrics")),
        };

        var run = await EndOfAsync(Stage("train"), Stage("eval", "train"), register);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(1, run.Of("register").Outputs["metrics"].Metrics!["version"]);
        var view = (await _cluster.Client.GetGrain<IModelGrain>(name).GetAsync())!;
        var version = Assert.Single(view.Versions);
        Assert.Equal(model, version.Model);
        Assert.Equal(run.Id, version.RunId);
        Assert.Equal(0.7, version.Metrics["auc"]);
        Assert.Equal(3, version.Metrics["extra"]);
        Assert.Equal(9, version.Metrics["trained"]);
        Assert.Equal(0, Executor.Count("register"));
        Assert.Contains(name, await _cluster.Client.GetGrain<ICatalogGrain>("models").ListAsync());
    }

    [Fact]
    public async Task A_run_that_does_not_exist_is_null_and_cannot_be_cancelled_or_watched()
    {
        var run = _cluster.Client.GetGrain<IRunGrain>("nothing");

        Assert.Null(await run.GetAsync());
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<GristmillException>(run.CancelAsync)).Code);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<GristmillException>(async () => await run.WatchAsync().FirstAsync())).Code);
    }

    [Fact]
    public async Task A_finished_run_is_the_same_after_its_grains_were_collected()
    {
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await _cluster.EndOfAsync(id);
        var grain = _cluster.Client.GetGrain<IRunGrain>(id);
        var before = (await grain.GetAsync())!;

        await _cluster.Cluster.DeactivateAsync(grain);
        var after = (await grain.GetAsync())!;

        Assert.Equal(GristmillJson.Serialize(before), GristmillJson.Serialize(after));
        Assert.Equal(1, Executor.Count("a"));
    }

    [Fact]
    public async Task A_thousand_stages_side_by_side_and_in_a_row_run_and_send_small_messages()
    {
        _cluster.Largest.Clear();
        var side = Enumerable.Range(0, 1000).Select(static i => Stage($"s{i}")).ToArray();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var run = await EndOfAsync([.. side, Stage("join") with { After = [.. side.Select(static s => s.Name)] }]);
        TestContext.Current.TestOutputHelper?.WriteLine($"1,000 wide: {1001 / watch.Elapsed.TotalSeconds:N0} durable stages a second");
        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(1001, Executor.Attempts.Count);
        Assert.Equal("join", Executor.Attempts.Last().Stage);

        watch.Restart();
        run = await EndOfAsync([.. Enumerable.Range(0, 1000).Select(static i => i == 0 ? Stage("c0") : Stage($"c{i}", $"c{i - 1}"))]);
        TestContext.Current.TestOutputHelper?.WriteLine($"1,000 in a row: {1000 / watch.Elapsed.TotalSeconds:N0} durable stages a second");
        Assert.Equal(RunStatus.Succeeded, run.Status);

        AssertSmallMessages();
    }

    [Fact]
    public async Task Ten_thousand_stages_run_with_bounded_state_and_messages_and_are_shown_in_pages()
    {
        _cluster.Largest.Clear();
        // Layers of 100, each stage after one of the layer before; a join at the end that waits for all of the last.
        const int width = 100, depth = 100;
        StageSpec[] stages =
        [
            .. Enumerable.Range(0, width * depth).Select(static i => i < width ? Stage($"stage-{i}") : Stage($"stage-{i}", $"stage-{i - width}")),
            Stage("join") with { After = [.. Enumerable.Range(0, width * depth).Select(static i => $"stage-{i}")] },
        ];
        Executor.On("stage-5000", static request => request.Attempt == 1 ? throw new GristmillException(ErrorCodes.WorkerCrashed, "SIGSEGV") : Done());
        var spec = Pipeline(stages);
        var id = await _cluster.RunAsync(spec);

        var told = new Dictionary<string, StageStatus>();
        RunView? run = null;
        await foreach (var change in _cluster.Client.GetGrain<IRunGrain>(id).WatchAsync(TestContext.Current.CancellationToken))
        {
            run = change.Run ?? run;
            foreach (var stage in change.Stage is { } one ? [one] : change.Stages)
            {
                told[stage.Name] = stage.Status;
            }
        }

        // Whoever watches sees every stage's end, the view itself has counts and some of the stages.
        Assert.Equal(RunStatus.Succeeded, run!.Status);
        Assert.Equal(stages.Length, run.Counts.Succeeded);
        Assert.False(run.IsWhole);
        Assert.InRange(run.Stages.Length, 1, RunView.MaxStages);
        Assert.Equal(stages.Length, told.Count);
        Assert.All(told, static stage => Assert.Equal(StageStatus.Succeeded, stage.Value));
        Assert.Equal(stages.Length + 1, Executor.Attempts.Count);

        // The same from the live run, and from what was stored of it.
        var grain = _cluster.Client.GetGrain<IRunGrain>(id);
        var names = stages.Select(static stage => stage.Name).ToArray();
        var live = await grain.ListStagesAsync().ToListAsync(TestContext.Current.CancellationToken);
        await _cluster.Cluster.DeactivateAsync(grain);
        var stored = await grain.ListStagesAsync().ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(names, live.Select(static view => view.Name));
        Assert.Equal(GristmillJson.Serialize(live), GristmillJson.Serialize(stored));
        Assert.Equal(["stage-9899"], (await grain.GetStageAsync("stage-9999"))!.DependsOn);
        Assert.Equal(2, (await grain.GetStageAsync("stage-5000"))!.Attempts);
        Assert.Null(await grain.GetStageAsync("nothing"));
        Assert.Empty((await grain.GetStagesAsync(0, 10, StageStatus.Failed))!.Stages);
        Assert.Equal(["stage-7000", "stage-7001"], (await grain.GetStagesAsync(7000, 2, StageStatus.Succeeded))!.Stages.Select(static view => view.Name));
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => grain.GetStagesAsync(-1, 10, null))).Code);

        AssertSmallMessages();
        foreach (var name in (string[])["definition", "outcome"])
        {
            Assert.InRange(await _cluster.StateBytesAsync(grain, name), 1, 64 << 10);
        }

        Assert.InRange(await _cluster.StateBytesAsync(_cluster.Client.GetGrain<IPipelineGrain>(spec.Name), "pipeline"), 1, 64 << 10);
        Assert.Equal(GristmillJson.Serialize(spec), GristmillJson.Serialize((await _cluster.Client.GetPipelineAsync(spec.Name))!.Spec));
    }

    [Fact]
    public async Task A_large_run_goes_on_after_its_grain_was_lost_and_its_pages_are_the_same()
    {
        // Two, as a single one would be carried by the run and so interrupted with it.
        var (gate, other) = (Executor.Hold("last"), Executor.Hold("other"));
        string[] side = [.. Enumerable.Range(0, 500).Select(static i => $"s{i}")];
        StageSpec After(string name) => Stage(name) with { After = [.. side] };
        var id = await _cluster.RunAsync(Pipeline([.. side.Select(static name => Stage(name)), After("last"), After("other")]));
        await Task.WhenAll(gate.Started.Task, other.Started.Task);
        var grain = _cluster.Client.GetGrain<IRunGrain>(id);

        await _cluster.Cluster.DeactivateAsync(grain);
        var between = (await grain.GetAsync())!;
        Assert.Equal((500, 2), (between.Counts.Succeeded, between.Counts.Running));
        Assert.Equal(["last", "other"], (await grain.GetStagesAsync(0, 10, StageStatus.Running))!.Stages.Select(static stage => stage.Name));
        gate.Released.SetResult();
        other.Released.SetResult();
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(502, Executor.Attempts.Count);
        Assert.Equal(502, (await grain.ListStagesAsync().ToListAsync(TestContext.Current.CancellationToken)).Count);
    }

    private void AssertSmallMessages()
    {
        Assert.Contains(_cluster.Largest, static call => call.Key.EndsWith("IStageGrain.StartAsync", StringComparison.Ordinal) && call.Value > 0);
        Assert.Contains(_cluster.Largest, static call => call.Key.Contains("AsyncEnumerable", StringComparison.Ordinal) && call.Value > 0);
        Assert.All(_cluster.Largest, static call => Assert.True(call.Value <= 64 << 10, $"{call.Key}: {call.Value} bytes"));
    }

    private async Task<RunView> EndOfAsync(params StageSpec[] stages) => await _cluster.EndOfAsync(await _cluster.RunAsync(Pipeline(stages)));
}
