using System.Collections.Immutable;
using Gristmill.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Triggers;

/// <summary>Against a real silo on SQLite. The clock is put forward and back by hand, and the trigger woken as its reminder would.</summary>
public sealed class TriggerGrainTests : IClassFixture<ClusterFixture>
{
    private static readonly ImmutableDictionary<string, string> None = ImmutableDictionary<string, string>.Empty;

    private readonly TestCluster _cluster;

    public TriggerGrainTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    private static string NewName() => $"t-{Guid.NewGuid():N}"[..20];

    private async Task<PipelineSpec> RegisterAsync(PipelineSpec? spec = null)
    {
        spec ??= Pipeline(Stage("a"));
        await _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);
        return spec;
    }

    private ITriggerGrain Grain(string name) => _cluster.Client.GetGrain<ITriggerGrain>(name);

    private Task WakeAsync(string name) => _cluster.Client.GetGrain<ITriggerControlGrain>(name).WakeAsync();

    private async Task<ITriggerGrain> PutAsync(TriggerSpec spec)
    {
        await Grain(spec.Name).PutAsync(spec, onlyNew: true);
        return Grain(spec.Name);
    }

    private static TriggerSpec Hourly(PipelineSpec pipeline) => new() { Name = NewName(), Pipeline = pipeline.Name, Interval = new IntervalSchedule(TimeSpan.FromHours(1)) };

    [Fact]
    public async Task A_schedule_fires_each_time_once_whatever_the_clock_does()
    {
        var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("at", ParameterType.Timestamp), new ParameterSpec("day", ParameterType.Date)] });
        var spec = Hourly(pipeline) with
        {
            Parameters = None.Add("at", "\"{{scheduled}}\"").Add("day", "\"{{scheduled.date}}\""),
            CatchUp = CatchUpPolicy.All,
        };
        var trigger = await PutAsync(spec);
        var created = (await trigger.GetAsync())!.Created;

        await WakeAsync(spec.Name);
        Assert.Empty(await trigger.ListFiringsAsync(10, 0));
        _cluster.Clock.Forward(TimeSpan.FromHours(3));
        await WakeAsync(spec.Name);
        await WakeAsync(spec.Name);
        _cluster.Clock.Forward(TimeSpan.FromHours(-2));
        await WakeAsync(spec.Name);
        _cluster.Clock.Forward(TimeSpan.FromHours(2));
        await WakeAsync(spec.Name);

        var firings = await trigger.ListFiringsAsync(10, 0);
        Assert.Equal([3, 2, 1], firings.Select(firing => (int)Math.Round((firing.Scheduled - created).TotalHours)));
        Assert.All(firings, firing => Assert.Equal(FiringOutcome.Started, firing.Outcome));
        Assert.Equal(3, firings.Select(firing => firing.Run).Distinct().Count());
        var run = await _cluster.EndOfAsync(firings[0].Run!);
        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(firings[0].Parameters["at"], run.Parameters["at"]);
        Assert.Equal($"\"{firings[0].Scheduled:yyyy-MM-dd}\"", run.Parameters["day"]);
        Assert.Equal(3, (await _cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).ListRunsAsync(10, null)).Count);
    }

    [Fact]
    public async Task What_a_day_ahead_missed_is_skipped_or_fired_once_and_told()
    {
        var pipeline = await RegisterAsync();
        var skip = Hourly(pipeline) with { CatchUp = CatchUpPolicy.Skip };
        var once = Hourly(pipeline) with { CatchUp = CatchUpPolicy.Once };
        await PutAsync(skip);
        await PutAsync(once);

        _cluster.Clock.Forward(TimeSpan.FromHours(24.5));
        await WakeAsync(skip.Name);
        await WakeAsync(once.Name);

        var skipped = Assert.Single(await Grain(skip.Name).ListFiringsAsync(10, 0));
        Assert.Equal((FiringOutcome.Skipped, null), (skipped.Outcome, skipped.Run));
        Assert.Contains("24 times", skipped.Reason, StringComparison.Ordinal);
        var fired = Assert.Single(await Grain(once.Name).ListFiringsAsync(10, 0));
        Assert.Equal(FiringOutcome.Started, fired.Outcome);
        Assert.Contains("23 times", fired.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cron_of_every_second_fires_by_itself_within_its_second()
    {
        var pipeline = await RegisterAsync();
        var spec = new TriggerSpec { Name = NewName(), Pipeline = pipeline.Name, Cron = new CronSchedule("* * * * * *") };
        var trigger = await PutAsync(spec);

        await TestCluster.UntilAsync(async () => (await trigger.GetAsync())!.Firings >= 3);
        await trigger.PauseAsync();

        var firings = await trigger.ListFiringsAsync(10, 0);
        Assert.Equal(firings.Count, firings.Select(firing => firing.Scheduled).Distinct().Count());
        Assert.All(firings, firing => Assert.Equal(0, firing.Scheduled.Millisecond));
        Assert.All(firings, firing => Assert.True(firing.Fired >= firing.Scheduled));
    }

    [Theory]
    [InlineData(ConcurrencyPolicy.Allow)]
    [InlineData(ConcurrencyPolicy.Forbid)]
    [InlineData(ConcurrencyPolicy.Replace)]
    [InlineData(ConcurrencyPolicy.Queue)]
    public async Task A_run_that_is_under_way_is_dealt_with_as_the_policy_says(ConcurrencyPolicy policy)
    {
        var pipeline = await RegisterAsync();
        var gate = _cluster.Executor.Hold("a");
        var trigger = await PutAsync(Hourly(pipeline) with { Concurrency = policy, QueueLimit = 1 });
        var first = await trigger.FireAsync(new TriggerFireRequest());
        await gate.Started.Task;

        var second = await trigger.FireAsync(new TriggerFireRequest());
        var third = await trigger.FireAsync(new TriggerFireRequest());

        switch (policy)
        {
            case ConcurrencyPolicy.Allow:
                Assert.Equal((FiringOutcome.Started, FiringOutcome.Started), (second.Outcome, third.Outcome));
                gate.Released.SetResult();
                break;
            case ConcurrencyPolicy.Forbid:
                Assert.Equal((FiringOutcome.Skipped, null), (second.Outcome, second.Run));
                Assert.Contains(first.Run!, second.Reason, StringComparison.Ordinal);
                gate.Released.SetResult();
                break;
            case ConcurrencyPolicy.Replace:
                Assert.Equal(RunStatus.Cancelled, (await _cluster.EndOfAsync(first.Run!)).Status);
                Assert.Equal(RunStatus.Cancelled, (await _cluster.EndOfAsync(second.Run!)).Status);
                gate.Released.SetResult();
                Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(third.Run!)).Status);
                break;
            default:
                Assert.Equal((FiringOutcome.Waiting, FiringOutcome.Skipped), (second.Outcome, third.Outcome));
                Assert.Equal(1, (await trigger.GetAsync())!.Queued);
                gate.Released.SetResult();
                await TestCluster.UntilAsync(async () => (await trigger.ListFiringsAsync(10, 0))[1].Outcome == FiringOutcome.Started);
                var queued = (await trigger.ListFiringsAsync(10, 0))[1];
                var before = await _cluster.EndOfAsync(first.Run!);
                Assert.True((await _cluster.EndOfAsync(queued.Run!)).Created >= before.Ended);
                break;
        }
    }

    [Fact]
    public async Task A_refused_run_is_an_entry_in_the_history_and_the_trigger_lives_on()
    {
        var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("n", ParameterType.Integer, "1")] });
        var trigger = await PutAsync(Hourly(pipeline) with { Parameters = None.Add("n", "5") });
        // The pipeline changes under the trigger.
        await RegisterAsync(pipeline with { Parameters = [new ParameterSpec("n", ParameterType.Boolean, "true")] });

        var refused = await trigger.FireAsync(new TriggerFireRequest());
        var given = await trigger.FireAsync(new TriggerFireRequest { Parameters = None.Add("n", "false") });

        Assert.Equal((FiringOutcome.Failed, ErrorCodes.Invalid, null), (refused.Outcome, refused.Error!.Code, refused.Run));
        Assert.Equal(FiringOutcome.Started, given.Outcome);
        Assert.Equal("false", (await _cluster.EndOfAsync(given.Run!)).Parameters["n"]);
    }

    [Fact]
    public async Task One_key_fires_once()
    {
        var trigger = await PutAsync(Hourly(await RegisterAsync()));

        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => trigger.FireAsync(new TriggerFireRequest { IdempotencyKey = "k" })));

        Assert.Single(all.Select(firing => firing.Run).Distinct());
        Assert.Single(await trigger.ListFiringsAsync(10, 0));
    }

    [Fact]
    public async Task What_is_wrong_is_refused_before_anything_is_stored()
    {
        var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("n", ParameterType.Integer)] });
        var good = Hourly(pipeline) with { Parameters = None.Add("n", "1") };
        async Task RefusedAsync(string code, TriggerSpec spec)
        {
            var error = await Assert.ThrowsAsync<GristmillException>(() => Grain(spec.Name).PutAsync(spec, onlyNew: false));
            Assert.Equal(code, error.Code);
            Assert.Null(await Grain(spec.Name).GetAsync());
        }

        await RefusedAsync(ErrorCodes.Cron, good with { Interval = null, Cron = new CronSchedule("nonsense") });
        await RefusedAsync(ErrorCodes.TimeZone, good with { Interval = null, Cron = new CronSchedule("@daily", "Nowhere") });
        await RefusedAsync(ErrorCodes.Glob, good with { Interval = null, File = new FileArrival { Path = "relative/*.csv" } });
        await RefusedAsync(ErrorCodes.FileNotFound, good with { Interval = null, File = new FileArrival { Path = "/nowhere/*.csv" } });
        await RefusedAsync(ErrorCodes.NotFound, good with { Pipeline = "no-such-pipeline" });
        await RefusedAsync(ErrorCodes.NotFound, good with { Interval = null, After = new RunCompletion("no-such-pipeline") });
        await RefusedAsync(ErrorCodes.StreamProvider, good with { Interval = null, Stream = new StreamSource("none", "a", "b") });
        await RefusedAsync(ErrorCodes.TriggerCycle, good with { Interval = null, After = new RunCompletion(pipeline.Name) });
        await RefusedAsync(ErrorCodes.Invalid, good with { Parameters = None });
        await RefusedAsync(ErrorCodes.Invalid, good with { Parameters = None.Add("n", "\"text\"") });
        await RefusedAsync(ErrorCodes.Invalid, good with { Parameters = None.Add("n", "1").Add("m", "1") });
        Assert.DoesNotContain(good.Name, await TriggerDirectoryGrain.Of(_cluster.Client, good.Name).ListAsync(null, null, 1000));
    }

    [Fact]
    public async Task The_same_again_changes_nothing_and_another_is_a_conflict_or_a_change()
    {
        var spec = Hourly(await RegisterAsync());
        var trigger = await PutAsync(spec);
        var before = (await trigger.GetAsync())!;

        Assert.Equal(before.Updated, (await trigger.PutAsync(spec with { }, onlyNew: true)).Updated);
        var changed = spec with { Interval = new IntervalSchedule(TimeSpan.FromHours(2)) };
        Assert.Equal(ErrorCodes.Conflict, (await Assert.ThrowsAsync<GristmillException>(() => trigger.PutAsync(changed, onlyNew: true))).Code);
        Assert.Equal(TimeSpan.FromHours(2), (await trigger.PutAsync(changed, onlyNew: false)).Spec.Interval!.Every);
        Assert.Equal(before.Created, (await trigger.GetAsync())!.Created);
    }

    [Fact]
    public async Task A_paused_trigger_fires_nothing_and_makes_up_for_nothing()
    {
        var spec = Hourly(await RegisterAsync());
        var trigger = await PutAsync(spec);
        Assert.True((await trigger.PauseAsync()).Paused);
        Assert.Null((await trigger.GetAsync())!.Next);

        _cluster.Clock.Forward(TimeSpan.FromHours(5));
        await WakeAsync(spec.Name);
        var resumed = await trigger.ResumeAsync();
        await WakeAsync(spec.Name);

        Assert.False(resumed.Paused);
        Assert.NotNull(resumed.Next);
        Assert.Empty(await trigger.ListFiringsAsync(10, 0));
        _cluster.Clock.Forward(TimeSpan.FromHours(1));
        await WakeAsync(spec.Name);
        Assert.Single(await trigger.ListFiringsAsync(10, 0));
    }

    [Fact]
    public async Task A_history_is_bounded_and_paged_and_goes_with_its_trigger()
    {
        var spec = Hourly(await RegisterAsync()) with { Concurrency = ConcurrencyPolicy.Forbid };
        var gate = _cluster.Executor.Hold("a");
        var trigger = await PutAsync(spec);
        await trigger.FireAsync(new TriggerFireRequest());
        await gate.Started.Task;
        const int firings = 1300;
        for (var i = 1; i < firings; i++)
        {
            await trigger.FireAsync(new TriggerFireRequest());
        }

        gate.Released.SetResult();
        var all = new List<TriggerFiring>();
        while (await trigger.ListFiringsAsync(200, all.Count == 0 ? 0 : all[^1].Number) is { Count: > 0 } page)
        {
            all.AddRange(page);
        }

        Assert.Equal(Enumerable.Range(0, all.Count).Select(i => (long)(firings - i)), all.Select(firing => firing.Number));
        Assert.InRange(all.Count, TriggerHistory.Capacity, TriggerHistory.Capacity + 120);
        Assert.Equal(firings, (await trigger.GetAsync())!.Firings);

        await trigger.RemoveAsync();
        Assert.Null(await trigger.GetAsync());
        await PutAsync(spec);
        Assert.Empty(await trigger.ListFiringsAsync(10, 0));
    }

    [Fact]
    public async Task A_pipeline_is_started_after_another_and_only_by_the_end_that_is_asked_for()
    {
        var upstream = await RegisterAsync(Pipeline(Stage("up")));
        var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("from", ParameterType.String)] });
        TriggerSpec After(RunOutcomes on) => new()
        {
            Name = NewName(),
            Pipeline = pipeline.Name,
            After = new RunCompletion(upstream.Name, on),
            Parameters = None.Add("from", "\"{{run}}\""),
        };
        var (succeeded, failed, any) = (await PutAsync(After(RunOutcomes.Succeeded)), await PutAsync(After(RunOutcomes.Failed)), await PutAsync(After(RunOutcomes.Any)));
        // The other way round would go on for ever.
        var cycle = After(RunOutcomes.Any) with { Pipeline = upstream.Name, After = new RunCompletion(pipeline.Name), Parameters = None };
        Assert.Equal(ErrorCodes.TriggerCycle, (await Assert.ThrowsAsync<GristmillException>(() => Grain(cycle.Name).PutAsync(cycle, true))).Code);

        var good = await _cluster.RunAsync(upstream);
        await TestCluster.UntilAsync(async () => (await any.GetAsync())!.Firings == 1);
        _cluster.Executor.On("up", _ => throw new GristmillException(ErrorCodes.StageFailed, "no"));
        var bad = await _cluster.RunAsync(upstream);
        await TestCluster.UntilAsync(async () => (await any.GetAsync())!.Firings == 2 && (await failed.GetAsync())!.Firings == 1);

        Assert.Equal([$"run:{good}"], (await succeeded.ListFiringsAsync(10, 0)).Select(firing => firing.Id));
        Assert.Equal([$"run:{bad}"], (await failed.ListFiringsAsync(10, 0)).Select(firing => firing.Id));
        var run = await _cluster.EndOfAsync((await succeeded.ListFiringsAsync(10, 0))[0].Run!);
        Assert.Equal($"\"{good}\"", run.Parameters["from"]);

        // Told twice, fired once.
        await _cluster.Client.GetGrain<IRunSubscribersGrain>(upstream.Name).OnRunEndedAsync(new RunEnded(good, upstream.Name, RunStatus.Succeeded, DateTimeOffset.UtcNow));
        Assert.Single(await succeeded.ListFiringsAsync(10, 0));
    }

    [Fact]
    public async Task A_metric_fires_when_it_crosses_and_not_with_each_run()
    {
        var upstream = await RegisterAsync(Pipeline(Stage("evaluate")));
        var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("auc", ParameterType.Number)] });
        var trigger = await PutAsync(new TriggerSpec
        {
            Name = NewName(),
            Pipeline = pipeline.Name,
            Parameters = None.Add("auc", "\"{{metric}}\""),
            Metric = new MetricThreshold(upstream.Name, "evaluate", "auc", "<", 0.6),
        });

        var watched = new List<string>();
        foreach (var auc in (double[])[0.7, 0.5, 0.4, double.NaN, 0.3, 0.8, 0.55])
        {
            _cluster.Executor.On("evaluate", _ => ScriptedExecutor.Done(("auc", auc)));
            var id = await _cluster.RunAsync(upstream);
            await _cluster.EndOfAsync(id);
            // What the run tells, told and waited for.
            await _cluster.Client.GetGrain<IRunSubscribersGrain>(upstream.Name).OnRunEndedAsync(new RunEnded(id, upstream.Name, RunStatus.Succeeded, DateTimeOffset.UtcNow));
            watched.Add(id);
        }

        Assert.Equal([$"run:{watched[6]}", $"run:{watched[1]}"], (await trigger.ListFiringsAsync(10, 0)).Select(firing => firing.Id));
        Assert.Equal("0.5", (await trigger.ListFiringsAsync(10, 0))[1].Parameters["auc"]);
    }

    [Fact]
    public async Task Each_file_fires_once_with_its_path()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-arrivals-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "old.csv"), "x", TestContext.Current.CancellationToken);
            var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("path", ParameterType.String), new ParameterSpec("stem", ParameterType.String)] });
            var spec = new TriggerSpec
            {
                Name = NewName(),
                Pipeline = pipeline.Name,
                Parameters = None.Add("path", "\"{{file}}\"").Add("stem", "\"{{file.stem}}\""),
                File = new FileArrival { Path = Path.Combine(folder, "*.csv"), Poll = TimeSpan.FromMilliseconds(100) },
            };
            var trigger = await PutAsync(spec);
            string[] names = ["new \"; drop table.csv", "other.csv"];
            foreach (var name in names)
            {
                await File.WriteAllTextAsync(Path.Combine(folder, name), "x", TestContext.Current.CancellationToken);
            }

            await TestCluster.UntilAsync(async () => (await trigger.GetAsync())!.Firings == 2);
            await WakeAsync(spec.Name);
            await WakeAsync(spec.Name);

            var firings = (await trigger.ListFiringsAsync(10, 0)).Reverse().ToList();
            Assert.Equal(names.Select(name => $"file:{Path.Combine(folder, name)}"), firings.Select(firing => firing.Id));
            var run = await _cluster.EndOfAsync(firings[0].Run!);
            Assert.Equal(Path.Combine(folder, names[0]), System.Text.Json.JsonSerializer.Deserialize<string>(run.Parameters["path"]));
            Assert.Equal("new \"; drop table", System.Text.Json.JsonSerializer.Deserialize<string>(run.Parameters["stem"]));

            Directory.Move(folder, folder + "-moved");
            await TestCluster.UntilAsync(async () => (await trigger.GetAsync())!.Problem?.Code == ErrorCodes.FileNotFound);
            Directory.Move(folder + "-moved", folder);
            await TestCluster.UntilAsync(async () => (await trigger.GetAsync())!.Problem is null);
            Assert.Equal(2, (await trigger.GetAsync())!.Firings);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_message_fires_once_and_its_replay_is_refused()
    {
        var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("id", ParameterType.Integer, "0")] });
        var trigger = await PutAsync(new TriggerSpec
        {
            Name = NewName(),
            Pipeline = pipeline.Name,
            Webhook = new WebhookSource { Secret = "s" },
            Parameters = None.Add("id", "\"{{body.order}}\""),
        });
        var delivery = new WebhookDelivery("msg-1", DateTimeOffset.UtcNow, None.Add("body.order", "7"));

        var fired = await trigger.DeliverAsync(delivery);

        Assert.Equal("7", (await _cluster.EndOfAsync(fired.Run!)).Parameters["id"]);
        Assert.Equal(ErrorCodes.WebhookReplayed, (await Assert.ThrowsAsync<GristmillException>(() => trigger.DeliverAsync(delivery))).Code);
        var lacks = await trigger.DeliverAsync(delivery with { Id = "msg-2", Values = None });
        Assert.Equal((FiringOutcome.Failed, ErrorCodes.Invalid), (lacks.Outcome, lacks.Error!.Code));
        await trigger.PauseAsync();
        Assert.Equal(ErrorCodes.TriggerPaused, (await Assert.ThrowsAsync<GristmillException>(() => trigger.DeliverAsync(delivery with { Id = "msg-3" }))).Code);
    }

    [Fact]
    public async Task Events_of_a_stream_fire_each_once()
    {
        var pipeline = await RegisterAsync(Pipeline(Stage("a")) with { Parameters = [new ParameterSpec("n", ParameterType.Integer)] });
        var spec = new TriggerSpec
        {
            Name = NewName(),
            Pipeline = pipeline.Name,
            Stream = new StreamSource("events", "orders", NewName()),
            Parameters = None.Add("n", "\"{{body.n}}\""),
        };
        var trigger = await PutAsync(spec);
        var provider = _cluster.Client.ServiceProvider.GetRequiredKeyedService<IStreamProvider>("events");
        var stream = provider.GetStream<TriggerEvent>(StreamId.Create(spec.Stream!.Namespace, spec.Stream.Key));

        await stream.OnNextAsync(new TriggerEvent("e1", """{"n":1}"""));
        await stream.OnNextAsync(new TriggerEvent("e1", """{"n":1}"""));
        await stream.OnNextAsync(new TriggerEvent("e2", "not json"));
        await stream.OnNextAsync(new TriggerEvent("e3", """{"n":3}"""));
        await TestCluster.UntilAsync(async () => (await trigger.GetAsync())!.Firings == 3);

        var firings = await trigger.ListFiringsAsync(10, 0);
        Assert.Equal(["event:e3", "event:e2", "event:e1"], firings.Select(firing => firing.Id));
        Assert.Equal([FiringOutcome.Started, FiringOutcome.Failed, FiringOutcome.Started], firings.Select(firing => firing.Outcome));
        await trigger.RemoveAsync();
        await stream.OnNextAsync(new TriggerEvent("e4", """{"n":4}"""));
        Assert.Null(await trigger.GetAsync());
    }

    [Fact]
    public async Task Triggers_that_code_declares_come_and_go_with_it()
    {
        var pipeline = Pipeline(Stage("a"));
        var hourly = Hourly(pipeline);
        var daily = Hourly(pipeline) with { Interval = null, Cron = new CronSchedule("@daily") };
        await RegisterAsync(pipeline with { Triggers = [hourly, daily] });

        Assert.True((await Grain(hourly.Name).GetAsync())!.Declared);
        Assert.Equal(ErrorCodes.Conflict, (await Assert.ThrowsAsync<GristmillException>(() => Grain(daily.Name).RemoveAsync())).Code);
        await Grain(daily.Name).PauseAsync();
        await RegisterAsync(pipeline with { Triggers = [daily], Description = "changed" });
        Assert.Null(await Grain(hourly.Name).GetAsync());
        Assert.True((await Grain(daily.Name).GetAsync())!.Paused);

        // A name that somebody else has, and a bad expression, leave all as it was.
        var mine = await PutAsync(Hourly(pipeline));
        var taken = Hourly(pipeline) with { Name = (await mine.GetAsync())!.Spec.Name, Interval = new IntervalSchedule(TimeSpan.FromDays(1)) };
        Assert.Equal(ErrorCodes.Conflict, (await Assert.ThrowsAsync<GristmillException>(() => RegisterAsync(pipeline with { Triggers = [taken], Description = "2" }))).Code);
        Assert.Equal(ErrorCodes.Cron, (await Assert.ThrowsAsync<GristmillException>(() => RegisterAsync(pipeline with { Triggers = [daily with { Cron = new CronSchedule("x") }], Description = "3" }))).Code);
        Assert.Equal("changed", (await _cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).GetAsync())!.Spec!.Description);
        Assert.NotNull(await Grain(daily.Name).GetAsync());
        await RegisterAsync(pipeline with { Triggers = null, Description = "4" });
        Assert.Null(await Grain(daily.Name).GetAsync());
    }
}
