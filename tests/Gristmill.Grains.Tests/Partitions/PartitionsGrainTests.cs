using System.Collections.Immutable;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Partitions;

public sealed class PartitionsGrainTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public PartitionsGrainTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    /// <summary>A pipeline of the months January to June 2001, whose stage gets the month's first day as an option.</summary>
    internal static PipelineSpec Monthly(string stage = "a", params string[] upstream) => Pipeline(Stage(stage) with { Options = """{"from":{"$param":"month-start"}}""" }) with
    {
        Parameters = [new ParameterSpec("month", ParameterType.String), new ParameterSpec("month-start", ParameterType.Date), new ParameterSpec("month-end", ParameterType.Date)],
        Partitions = new PartitionSpec
        {
            Dimensions = [new PartitionDimension { Name = "month", Kind = PartitionKind.Month, From = new DateOnly(2001, 1, 1), To = new DateOnly(2001, 7, 1) }],
            Upstream = [.. upstream],
        },
    };

    /// <summary>A pipeline of two airports and within each the months January to March 2001, whose stage gets the airport and the month's first day.</summary>
    private static PipelineSpec ByAirport(params string[] upstream)
    {
        var monthly = Monthly(upstream: upstream);
        return monthly with
        {
            Stages = [monthly.Stages[0] with { Options = """{"from":{"$param":"month-start"},"airport":{"$param":"airport"}}""" }],
            Parameters = monthly.Parameters.Add(new ParameterSpec("airport", ParameterType.String)),
            Partitions = monthly.Partitions! with
            {
                Dimensions = [new PartitionDimension { Name = "airport", Kind = PartitionKind.Static, Keys = ["ORD", "ATL"] }, monthly.Partitions.Dimensions[0] with { To = new DateOnly(2001, 4, 1) }],
            },
        };
    }

    private IPartitionsGrain Partitions(PipelineSpec spec) => _cluster.Client.GetGrain<IPartitionsGrain>(spec.Name);

    private async Task<RunView> MakeAsync(PipelineSpec spec, string partition)
    {
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(spec, new RunRequest { Partition = partition }));
        // The run tells its partitions after its watchers.
        await TestCluster.UntilAsync(async () => (await Partitions(spec).ListAsync(new PartitionQuery(partition))).Items.All(item => item.Status != PartitionStatus.Running && item.Run == run.Id));
        return run;
    }

    private async Task<string> TableAsync(PipelineSpec spec) =>
        string.Join(' ', (await Partitions(spec).ListAsync(new PartitionQuery())).Items.Select(item => $"{item.Key.Replace("2001-", "", StringComparison.Ordinal)}:{item.Status}"));

    [Fact]
    public async Task A_table_says_what_is_there_missing_failed_and_stale()
    {
        var spec = Monthly();
        var april = await MakeAsync(spec, "2001-04");
        Assert.Equal("2001-04", april.Partition);
        Assert.Equal(("\"2001-04\"", "\"2001-04-01\"", "\"2001-05-01\""), (april.Parameters["month"], april.Parameters["month-start"], april.Parameters["month-end"]));
        await MakeAsync(spec, "2001-01..2001-02");
        _cluster.Executor.On("a", _ => throw new GristmillException(ErrorCodes.StageFailed, "no data"));
        await MakeAsync(spec, "2001-06");
        _cluster.Executor.Reset();
        Assert.Equal("01:Ready 02:Ready 03:Missing 04:Ready 05:Missing 06:Failed", await TableAsync(spec));

        Assert.Equal(2, await Partitions(spec).MarkStaleAsync("2001-02..2001-04", "late data"));
        Assert.Equal("01:Ready 02:Stale 03:Missing 04:Stale 05:Missing 06:Failed", await TableAsync(spec));
        var page = await Partitions(spec).ListAsync(new PartitionQuery(Status: PartitionStatus.Stale));
        Assert.All(page.Items, item => Assert.Equal("late data", item.Reason));
        Assert.Equal((2, 1, 2, 1), (page.Counts[PartitionStatus.Stale], page.Counts[PartitionStatus.Ready], page.Counts[PartitionStatus.Missing], page.Counts[PartitionStatus.Failed]));
        await MakeAsync(spec, "2001-04");
        Assert.Contains("04:Ready", await TableAsync(spec), StringComparison.Ordinal);

        // A version that makes something else makes all stale that were made before.
        await RegisterAsync(spec with { Parameters = spec.Parameters.Add(new ParameterSpec("rate", ParameterType.Number, "0.1")) });
        Assert.Equal("01:Stale 02:Stale 03:Missing 04:Stale 05:Missing 06:Failed", await TableAsync(spec));
    }

    private Task<PipelineView> RegisterAsync(PipelineSpec spec) => _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);

    private async Task<PartitionView> JanuaryAsync(PipelineSpec spec) => (await Partitions(spec).ListAsync(new PartitionQuery("2001-01"))).Items[0];

    [Fact]
    public async Task What_does_not_make_a_partition_does_not_make_it_stale()
    {
        var spec = Monthly();
        await MakeAsync(spec, "2001-01");
        var stage = spec.Stages[0];
        PipelineSpec[] versions =
        [
            spec with { Description = "changed" },
            spec with { OnFailure = FailurePolicy.Continue },
            spec with { Code = new CodeRef(new string('a', 64), "pipeline.dll") },
            spec with { Stages = [stage with { Retry = new RetryPolicy { MaxAttempts = 7 } }] },
            spec with { Stages = [stage with { Limits = new StageLimits { Threads = 3 } }] },
            spec with { Stages = [stage with { Cache = new CacheSpec { Policy = CachePolicy.Off } }] },
            spec with { Stages = [stage with { Resources = ImmutableDictionary<string, int>.Empty.Add("gpu", 500) }] },
            spec with { Parameters = [.. spec.Parameters.Reverse().Select(parameter => parameter with { Description = "for people" })] },
            spec with { Triggers = [new TriggerSpec { Name = $"t-{spec.Name}", Pipeline = spec.Name, Interval = new IntervalSchedule(TimeSpan.FromDays(30)), Partition = "{{scheduled}}" }] },
            spec with { Partitions = spec.Partitions! with { Dimensions = [spec.Partitions.Dimensions[0] with { To = new DateOnly(2001, 9, 1) }] } },
        ];
        foreach (var version in versions)
        {
            var view = await RegisterAsync(version);
            var january = await JanuaryAsync(spec);
            Assert.True(january.Status == PartitionStatus.Ready && january.Version != view.Version, $"{GristmillJson.Serialize(version)}: {january}");
        }
    }

    [Fact]
    public async Task A_partition_is_stale_once_what_made_it_is_another_and_says_what()
    {
        var stage = $"s{Guid.NewGuid():N}";
        var spec = Monthly(stage);
        // One that calls code, and one that does not.
        spec = spec with { Stages = spec.Stages.Add(Stage("plain")) };
        _cluster.Fingerprints.Codes[stage] = "one";
        var run = await MakeAsync(spec, "2001-01");
        async Task StaleAsync(string reason, PipelineSpec version)
        {
            await RegisterAsync(version);
            var january = await JanuaryAsync(spec);
            Assert.Equal((PartitionStatus.Stale, reason), (january.Status, january.Reason));
        }

        await StaleAsync($"stage '{stage}' has changed", spec with { Stages = spec.Stages.SetItem(0, spec.Stages[0] with { Options = """{"from":{"$param":"month-end"}}""" }) });
        await StaleAsync($"stage '{stage}' has changed", spec with { Stages = spec.Stages.SetItem(0, spec.Stages[0] with { When = new ConditionSpec(Operator: "==", Value: "1") { Left = "1" } }) });
        await StaleAsync("stage 'more' is new", spec with { Stages = spec.Stages.Add(Stage("more")) });
        await StaleAsync("stage 'plain' has changed", spec with { Stages = spec.Stages.SetItem(1, Stage("plain", stage)) });
        await StaleAsync("stage 'plain' is gone", spec with { Stages = [spec.Stages[0]] });
        await StaleAsync("the parameters have changed", spec with { Parameters = spec.Parameters.Add(new ParameterSpec("rate", ParameterType.Number, "0.1")) });
        _cluster.Fingerprints.Codes[stage] = "two";
        var changed = spec with { Description = "with other code" };
        await StaleAsync($"the code of stage '{stage}' has changed", changed);

        // It is asked once a version, and not by runs or tables.
        var asked = _cluster.Fingerprints.Asked.Count(name => name == stage);
        await RegisterAsync(changed);
        await MakeAsync(changed, "2001-02..2001-03");
        Assert.Equal(asked, _cluster.Fingerprints.Asked.Count(name => name == stage));
        Assert.StartsWith("01:Stale 02:Ready 03:Ready", await TableAsync(spec), StringComparison.Ordinal);

        // An earlier run again makes what it made then.
        var again = await _cluster.EndOfAsync(await _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).StartRunAsync(new RunRequest { RerunOf = run.Id, Partition = "2001-02" }));
        await TestCluster.UntilAsync(async () => (await Partitions(spec).ListAsync(new PartitionQuery("2001-02"))).Items[0] is { Status: not PartitionStatus.Running } item && item.Run == again.Id);
        Assert.StartsWith("01:Stale 02:Stale 03:Ready", await TableAsync(spec), StringComparison.Ordinal);

        // And so does the earlier code.
        _cluster.Fingerprints.Codes[stage] = "one";
        await RegisterAsync(spec);
        Assert.StartsWith("01:Ready 02:Ready 03:Stale", await TableAsync(spec), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_it_cannot_be_said_what_made_a_partition_its_version_decides()
    {
        var stage = $"s{Guid.NewGuid():N}";
        var spec = Monthly(stage);
        _cluster.Fingerprints.Codes[stage] = null;
        await MakeAsync(spec, "2001-01");
        Assert.Equal(PartitionStatus.Ready, (await JanuaryAsync(spec)).Status);

        // The same version, whose code can be read now.
        _cluster.Fingerprints.Codes[stage] = "one";
        await RegisterAsync(spec);
        await MakeAsync(spec, "2001-02");
        Assert.StartsWith("01:Ready 02:Ready", await TableAsync(spec), StringComparison.Ordinal);

        var view = await RegisterAsync(spec with { Description = "changed" });
        Assert.StartsWith("01:Stale 02:Ready", await TableAsync(spec), StringComparison.Ordinal);
        Assert.Equal($"the pipeline has version {view.Version} now", (await JanuaryAsync(spec)).Reason);
    }

    [Fact]
    public async Task What_is_made_of_a_partition_is_stale_when_that_is_made_anew()
    {
        var upstream = Monthly("up");
        var spec = Monthly("a", upstream.Name);
        await MakeAsync(upstream, "2001-01..2001-02");
        await MakeAsync(spec, "2001-01..2001-02");
        Assert.StartsWith("01:Ready 02:Ready", await TableAsync(spec), StringComparison.Ordinal);

        await MakeAsync(upstream, "2001-02");
        Assert.StartsWith("01:Ready 02:Stale", await TableAsync(spec), StringComparison.Ordinal);
        Assert.Contains(upstream.Name, (await Partitions(spec).ListAsync(new PartitionQuery("2001-02"))).Items[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Months_within_listed_keys_are_run_and_backfilled_in_their_order()
    {
        var spec = ByAirport();
        var made = new List<string>();
        _cluster.Executor.On("a", (request, _, _) =>
        {
            lock (made)
            {
                made.Add(request.Options);
            }

            return Task.FromResult(ScriptedExecutor.Done());
        });
        var february = await MakeAsync(spec, "ATL/2001-02");
        Assert.Equal(("ATL/2001-02", "\"ATL\"", "\"2001-02-01\"", "\"2001-03-01\""), (february.Partition, february.Parameters["airport"], february.Parameters["month-start"], february.Parameters["month-end"]));
        await MakeAsync(spec, "ORD/2001-02..2001-03");
        Assert.Equal("ORD/01:Missing ORD/02:Ready ORD/03:Ready ATL/01:Missing ATL/02:Ready ATL/03:Missing", await TableAsync(spec));

        made.Clear();
        var over = await EndAsync((await Partitions(spec).StartBackfillAsync(new BackfillRequest { Partitions = "*", Parallel = 1 })).Id);
        Assert.Equal((RunStatus.Succeeded, 3), (over.Status, over.Total));
        Assert.Equal(["""{"from":"2001-01-01","airport":"ORD"}""", """{"from":"2001-01-01","airport":"ATL"}""", """{"from":"2001-03-01","airport":"ATL"}"""], made);
        Assert.Equal(6, (await Partitions(spec).ListAsync(new PartitionQuery())).Counts[PartitionStatus.Ready]);

        Assert.Equal(4, await Partitions(spec).MarkStaleAsync("*/2001-02..2001-03", "late data"));
        var again = await EndAsync((await Partitions(spec).StartBackfillAsync(new BackfillRequest { Partitions = "ATL/*", Select = BackfillSelection.Stale })).Id);
        Assert.Equal((RunStatus.Succeeded, 2), (again.Status, again.Total));
        Assert.Equal("ORD/01:Ready ORD/02:Stale ORD/03:Stale ATL/01:Ready ATL/02:Ready ATL/03:Ready", await TableAsync(spec));

        var page = await Partitions(spec).ListAsync(new PartitionQuery(Limit: 2, After: "ORD/2001-02"));
        Assert.Equal(["ORD/2001-03", "ATL/2001-01"], page.Items.Select(item => item.Key));
        Assert.Equal("ATL/2001-01", page.Next);
    }

    [Fact]
    public async Task Of_two_dimensions_only_the_same_key_of_what_it_is_made_of_counts()
    {
        var upstream = ByAirport();
        var spec = ByAirport(upstream.Name);
        foreach (var pipeline in new[] { upstream, spec })
        {
            await MakeAsync(pipeline, "ORD/*");
            await MakeAsync(pipeline, "ATL/*");
        }

        await MakeAsync(upstream, "ATL/2001-02");
        Assert.Equal("ORD/01:Ready ORD/02:Ready ORD/03:Ready ATL/01:Ready ATL/02:Stale ATL/03:Ready", await TableAsync(spec));
    }

    [Fact]
    public async Task A_run_names_a_partition_where_there_are_some_and_none_where_there_are_none()
    {
        var spec = Monthly();
        async Task RefusedAsync(string code, PipelineSpec pipeline, RunRequest request) =>
            Assert.Equal(code, (await Assert.ThrowsAsync<GristmillException>(() => _cluster.RunAsync(pipeline, request))).Code);

        await RefusedAsync(ErrorCodes.Partition, spec, new RunRequest());
        await RefusedAsync(ErrorCodes.Partition, spec, new RunRequest { Partition = "2001-07" });
        await RefusedAsync(ErrorCodes.Invalid, spec, new RunRequest { Partition = "2001-01", Parameters = ImmutableDictionary<string, string>.Empty.Add("month", "\"2001-02\"") });
        await RefusedAsync(ErrorCodes.Partition, Pipeline(Stage("a")), new RunRequest { Partition = "2001-01" });
        Assert.Empty(await _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).ListRunsAsync(10, null));
        Assert.Equal(ErrorCodes.Partition, (await Assert.ThrowsAsync<GristmillException>(() => Partitions(spec).MarkStaleAsync("2002-01", null))).Code);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<GristmillException>(() => _cluster.Client.GetGrain<IPartitionsGrain>("nobody").ListAsync(new PartitionQuery()))).Code);
    }

    [Fact]
    public async Task Ten_thousand_partitions_are_paged()
    {
        var spec = Monthly() with
        {
            Partitions = new PartitionSpec { Dimensions = [new PartitionDimension { Name = "month", Kind = PartitionKind.Day, From = new DateOnly(1974, 1, 1), To = new DateOnly(1974, 1, 1).AddDays(10_000) }] },
        };
        await MakeAsync(spec, "1974-01-01..1999-12-31");
        var keys = new List<string>();
        PartitionPage page;
        do
        {
            page = await Partitions(spec).ListAsync(new PartitionQuery(Limit: 1000, After: keys.LastOrDefault()));
            keys.AddRange(page.Items.Select(item => item.Key));
        }
        while (page.Next is not null);

        Assert.Equal(10_000, keys.Distinct().Count());
        Assert.Equal(keys.Order(StringComparer.Ordinal), keys);
        Assert.Equal(9496, page.Counts[PartitionStatus.Ready]);
        Assert.True(_cluster.Largest.Where(entry => entry.Key.Contains("Partition", StringComparison.Ordinal)).All(entry => entry.Value < 64 << 10));
    }

    [Fact]
    public async Task A_backfill_makes_what_is_missing_and_no_more_at_once_than_it_may()
    {
        var spec = Monthly();
        await MakeAsync(spec, "2001-03");
        var (now, most) = (0, 0);
        _cluster.Executor.On("a", async (request, _, _) =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref now));
            await Task.Yield();
            Interlocked.Decrement(ref now);
            return request.Options.Contains("2001-05", StringComparison.Ordinal) ? throw new GristmillException(ErrorCodes.StageFailed, "no") : ScriptedExecutor.Done();
        });

        var request = new BackfillRequest { Partitions = "2001-01..2001-06", Parallel = 2, IdempotencyKey = "k" };
        var started = await Partitions(spec).StartBackfillAsync(request);
        Assert.Equal(started.Id, (await Partitions(spec).StartBackfillAsync(request)).Id);
        var over = await EndAsync(started.Id);

        Assert.Equal((RunStatus.Failed, 5, 4, 1), (over.Status, over.Total, over.Succeeded, over.Failed));
        Assert.Equal(["2001-05"], over.Failures.Keys);
        Assert.InRange(most, 1, 2);
        Assert.Equal("01:Ready 02:Ready 03:Ready 04:Ready 05:Failed 06:Ready", await TableAsync(spec));
        Assert.Equal(6, (await _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).ListRunsAsync(100, null)).Count);

        _cluster.Executor.Reset();
        var again = await EndAsync((await Partitions(spec).StartBackfillAsync(new BackfillRequest { Partitions = "*", Select = BackfillSelection.Failed })).Id);
        Assert.Equal((RunStatus.Succeeded, 1), (again.Status, again.Total));
        Assert.Equal([again.Id, over.Id], (await Partitions(spec).ListBackfillsAsync()).Select(view => view.Id));
    }

    [Fact]
    public async Task A_backfill_is_cancelled_with_its_runs()
    {
        var spec = Monthly();
        await _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);
        var gate = _cluster.Executor.Hold("a");
        var started = await Partitions(spec).StartBackfillAsync(new BackfillRequest { Partitions = "*", Parallel = 1 });
        await gate.Started.Task;

        await _cluster.Client.GetGrain<IBackfillGrain>(started.Id).CancelAsync();
        var over = await EndAsync(started.Id);

        Assert.Equal((RunStatus.Cancelled, 0, 1), (over.Status, over.Succeeded, over.Failed));
        var run = Assert.Single(await _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).ListRunsAsync(100, null));
        Assert.Equal(RunStatus.Cancelled, (await _cluster.EndOfAsync(run.Id)).Status);
    }

    [Fact]
    public async Task A_trigger_targets_the_partition_that_its_time_has_ended()
    {
        var spec = Monthly() with { Partitions = new PartitionSpec { Dimensions = [new PartitionDimension { Name = "month", Kind = PartitionKind.Month, From = new DateOnly(2001, 1, 1) }] } };
        await _cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);
        var trigger = _cluster.Client.GetGrain<ITriggerGrain>($"t-{spec.Name}");
        var monthly = new TriggerSpec { Name = $"t-{spec.Name}", Pipeline = spec.Name, Cron = new CronSchedule("0 6 1 * *", "Europe/Berlin"), Partition = "{{scheduled}}" };
        Assert.Equal(ErrorCodes.Partition, (await Assert.ThrowsAsync<GristmillException>(() => trigger.PutAsync(monthly with { Partition = null }, true))).Code);
        await trigger.PutAsync(monthly, onlyNew: true);

        // 23:30 UTC is May already in Berlin.
        var fired = await trigger.FireAsync(new TriggerFireRequest { Scheduled = new DateTimeOffset(2001, 4, 30, 23, 30, 0, TimeSpan.Zero) });

        Assert.Equal(FiringOutcome.Started, fired.Outcome);
        var run = await _cluster.EndOfAsync(fired.Run!);
        Assert.Equal(("2001-04", monthly.Name), (run.Partition, run.Trigger));
    }

    [Fact]
    public async Task Late_data_mark_what_was_made_stale_and_a_backfill_makes_it_anew()
    {
        var spec = Monthly();
        await MakeAsync(spec, "2001-01..2001-02");
        var name = $"t-{spec.Name}";
        var trigger = _cluster.Client.GetGrain<ITriggerGrain>(name);
        var late = new TriggerSpec { Name = name, Pipeline = spec.Name, Cron = new CronSchedule("0 6 1 * *", "UTC"), Partition = "{{scheduled}}", MarkStale = true };
        foreach (var wrong in (TriggerSpec[])[late with { Partition = null }, late with { Parameters = ImmutableDictionary<string, string>.Empty.Add("month", "\"2001-01\"") }])
        {
            await Assert.ThrowsAsync<GristmillException>(() => trigger.PutAsync(wrong, onlyNew: true));
        }

        await trigger.PutAsync(late, onlyNew: true);
        async Task<TriggerFiring> FireAsync(int month) =>
            await trigger.FireAsync(new TriggerFireRequest { Scheduled = new DateTimeOffset(2001, month, 3, 6, 0, 0, TimeSpan.Zero) });

        var marked = await FireAsync(3);
        Assert.Equal((FiringOutcome.Marked, null, null), (marked.Outcome, marked.Run, marked.Reason));
        Assert.Equal("01:Ready 02:Stale 03:Missing 04:Missing 05:Missing 06:Missing", await TableAsync(spec));
        Assert.Equal($"trigger '{name}', firing 1", (await Partitions(spec).ListAsync(new PartitionQuery("2001-02"))).Items[0].Reason);
        // What was never made stays missing.
        var nothing = await FireAsync(5);
        Assert.Equal((FiringOutcome.Marked, "nothing of it was made so far"), (nothing.Outcome, nothing.Reason));
        Assert.Equal("01:Ready 02:Stale 03:Missing 04:Missing 05:Missing 06:Missing", await TableAsync(spec));

        // Nor does its first run miss data that came while it went on.
        var making = _cluster.Executor.Hold("a");
        var first = await _cluster.RunAsync(spec, new RunRequest { Partition = "2001-06" });
        await making.Started.Task;
        await trigger.FireAsync(new TriggerFireRequest { Scheduled = new DateTimeOffset(2001, 7, 3, 6, 0, 0, TimeSpan.Zero) });
        making.Released.SetResult();
        await _cluster.EndOfAsync(first);
        await TestCluster.UntilAsync(async () => await TableAsync(spec) == "01:Ready 02:Stale 03:Missing 04:Missing 05:Missing 06:Stale");
        _cluster.Executor.Reset();

        var backfill = await Partitions(spec).StartBackfillAsync(new BackfillRequest { Partitions = "*", Select = BackfillSelection.Stale });
        var over = await EndAsync(backfill.Id);
        Assert.Equal((RunStatus.Succeeded, 2), (over.Status, over.Total));
        Assert.Equal("01:Ready 02:Ready 03:Missing 04:Missing 05:Missing 06:Ready", await TableAsync(spec));
    }

    [Fact]
    public async Task A_trigger_names_a_key_of_each_dimension_or_a_time_for_all_that_are_of_time()
    {
        async Task<RunView> FiredAsync(PipelineSpec spec, string partition)
        {
            await RegisterAsync(spec);
            var name = $"t-{Guid.NewGuid():N}";
            var trigger = _cluster.Client.GetGrain<ITriggerGrain>(name);
            await trigger.PutAsync(new TriggerSpec { Name = name, Pipeline = spec.Name, Cron = new CronSchedule("0 6 1 * *", "UTC"), Partition = partition }, onlyNew: true);
            var fired = await trigger.FireAsync(new TriggerFireRequest { Scheduled = new DateTimeOffset(2001, 3, 2, 6, 0, 0, TimeSpan.Zero) });
            Assert.True(fired.Outcome == FiringOutcome.Started, $"{fired}");
            return await _cluster.EndOfAsync(fired.Run!);
        }

        var byAirport = ByAirport();
        Assert.Equal("ATL/2001-02", (await FiredAsync(byAirport, "ATL/{{scheduled}}")).Partition);
        Assert.Equal("ORD/2001-01", (await FiredAsync(byAirport, "ORD/2001-01")).Partition);
        var refused = await Assert.ThrowsAsync<GristmillException>(() => FiredAsync(byAirport, "{{scheduled}}"));
        Assert.Equal((ErrorCodes.Partition, "Name one: ORD/{{scheduled}}."), (refused.Code, refused.Error.Hint));

        var monthly = Monthly();
        var twice = monthly with
        {
            Parameters = [.. monthly.Parameters, new ParameterSpec("as-of", ParameterType.String), new ParameterSpec("as-of-start", ParameterType.Date), new ParameterSpec("as-of-end", ParameterType.Date)],
            Partitions = new PartitionSpec { Dimensions = [monthly.Partitions!.Dimensions[0], new PartitionDimension { Name = "as-of", Kind = PartitionKind.Day, From = new DateOnly(2001, 1, 1) }] },
        };
        var run = await FiredAsync(twice, "{{scheduled}}");
        Assert.Equal(("2001-02/2001-03-01", "\"2001-02-01\"", "\"2001-03-01\""), (run.Partition, run.Parameters["month-start"], run.Parameters["as-of-start"]));
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int before;
        while ((before = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, before) != before)
        {
            // Somebody else raised it.
        }
    }

    private async Task<BackfillView> EndAsync(string id)
    {
        await TestCluster.UntilAsync(async () => (await _cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!.Ended is not null);
        return (await _cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!;
    }
}

public sealed class BackfillRecoveryTests
{
    [Fact]
    public async Task A_backfill_is_told_of_each_end_and_keeps_as_many_runs_under_way_as_it_may()
    {
        await using var cluster = await TestCluster.StartAsync();
        const int Parallel = 4, Days = 300;
        var first = new DateOnly(2001, 1, 1);
        var spec = PartitionsGrainTests.Monthly() with
        {
            Partitions = new PartitionSpec { Dimensions = [new PartitionDimension { Name = "month", Kind = PartitionKind.Day, From = first, To = first.AddDays(Days) }] },
        };
        await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);
        var begun = 0;
        var steps = Enumerable.Range(0, Days + 1).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToList();
        cluster.Executor.On("a", async (_, _, cancellation) =>
        {
            // None ends before as many as may be are under way with it: a place that is not filled again holds up all.
            var number = Interlocked.Increment(ref begun);
            steps[number].TrySetResult();
            await steps[Math.Min(number + Parallel - 1, Days)].Task.WaitAsync(cancellation);
            return ScriptedExecutor.Done();
        });

        var id = (await cluster.Client.GetGrain<IPartitionsGrain>(spec.Name).StartBackfillAsync(new BackfillRequest { Partitions = "*", Parallel = Parallel })).Id;
        await TestCluster.UntilAsync(async () => (await cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!.Ended is not null);

        var over = (await cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!;
        Assert.Equal((RunStatus.Succeeded, Days), (over.Status, over.Succeeded));
        Assert.Equal(Days, cluster.Executor.Count("a"));
        Assert.Empty(over.Running);
        // Its end is stored first.
        await TestCluster.UntilAsync(async () => (await cluster.CountRowsAsync("gristmill.backfill")).Reminders == 0);
    }

    [Fact]
    public async Task A_run_that_has_ended_before_its_id_is_known_counts_all_the_same()
    {
        await using var cluster = await TestCluster.StartAsync();
        var told = typeof(IBackfillControlGrain).FullName + ".OnRunEndedAsync answers";
        cluster.Late["IPipelineGrain.StartRunAsync"] = () => TestCluster.UntilAsync(() => Task.FromResult(cluster.Largest.ContainsKey(told)));
        // Who asks learns nothing, so that the reminder does not hide it.
        cluster.Lost["IRunControlGrain.GetSummaryAsync"] = null;
        var spec = PartitionsGrainTests.Monthly();
        await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);
        var id = (await cluster.Client.GetGrain<IPartitionsGrain>(spec.Name).StartBackfillAsync(new BackfillRequest { Partitions = "2001-01", Parallel = 1 })).Id;

        await TestCluster.UntilAsync(async () => (await cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!.Ended is not null);
        Assert.Equal((1, 0), ((await cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!.Succeeded, (await cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!.Failed));
    }

    [Fact]
    public async Task A_backfill_that_is_not_told_of_an_end_learns_of_it_at_its_reminder()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Lost["IBackfillControlGrain.OnRunEndedAsync"] = true;
        var spec = PartitionsGrainTests.Monthly();
        await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);
        var id = (await cluster.Client.GetGrain<IPartitionsGrain>(spec.Name).StartBackfillAsync(new BackfillRequest { Partitions = "*", Parallel = 2 })).Id;

        var backfill = cluster.Client.GetGrain<IBackfillGrain>(id);
        await TestCluster.UntilAsync(async () =>
        {
            // The reminder's tick, early.
            await backfill.AsReference<IRemindable>().ReceiveReminder(BackfillGrain.ReminderName, default);
            return (await backfill.GetAsync())!.Ended is not null;
        });

        Assert.Equal((RunStatus.Succeeded, 6), ((await backfill.GetAsync())!.Status, cluster.Executor.Count("a")));
    }

    [Fact]
    public async Task A_backfill_goes_on_where_it_was_when_its_silo_is_killed()
    {
        await using var cluster = await TestCluster.StartAsync();
        var spec = PartitionsGrainTests.Monthly();
        await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).RegisterAsync(spec);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Executor.On("a", async (request, _, cancellation) =>
        {
            if (request.Options.Contains("2001-03", StringComparison.Ordinal) && request.Attempt == 1)
            {
                held.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }

            return ScriptedExecutor.Done();
        });
        var id = (await cluster.Client.GetGrain<IPartitionsGrain>(spec.Name).StartBackfillAsync(new BackfillRequest { Partitions = "*", Parallel = 1 })).Id;
        await held.Task;

        await cluster.RestartAsync();

        // Nothing here wakes the backfill: the partitions' table is asked.
        var partitions = cluster.Client.GetGrain<IPartitionsGrain>(spec.Name);
        await TestCluster.UntilAsync(async () => (await partitions.ListAsync(new PartitionQuery())).Items.All(item => item.Status == PartitionStatus.Ready));
        await TestCluster.UntilAsync(async () => (await cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!.Ended is not null);
        var over = (await cluster.Client.GetGrain<IBackfillGrain>(id).GetAsync())!;
        Assert.Equal((RunStatus.Succeeded, 6), (over.Status, over.Succeeded));
        Assert.Equal(6, (await cluster.Client.GetGrain<IPipelineGrain>(spec.Name).ListRunsAsync(100, null)).Count);
        Assert.Equal(7, cluster.Executor.Count("a"));
    }
}
