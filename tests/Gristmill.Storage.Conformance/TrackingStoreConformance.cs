using System.Collections.Immutable;
using System.Globalization;

namespace Gristmill.Storage.Conformance;

/// <summary>What every tracking store must do; used as <see cref="GrainStorageConformance"/> is.</summary>
public abstract class TrackingStoreConformance
{
    private static readonly DateTimeOffset Start = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The store under test.</summary>
    protected abstract ITrackingStore Store { get; }

    /// <summary>A second instance over the same data, as another silo would have.</summary>
    protected abstract ITrackingStore OtherStore { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Points_come_back_as_they_were_logged()
    {
        MetricPoint[] points = [new(0, 10, 0.5), new(1, 11, double.NaN), new(2, 12, double.PositiveInfinity), new(long.MaxValue, 13, -0.0), new(-5, 9, double.Epsilon)];
        await Store.AppendAsync(Batch("r1", "train", 1, ("loss", points)));

        var series = Assert.Single(await OtherStore.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss" }, Token));

        Assert.Equal(("train", "loss", 1, 5L), (series.Stage, series.Name, series.Attempt, series.Total));
        Assert.Equal([-5, 0, 1, 2, long.MaxValue], series.Steps);
        Assert.Equal([9, 10, 11, 12, 13], series.Times);
        Assert.Equal([double.Epsilon, 0.5, double.NaN, double.PositiveInfinity, -0.0], series.Values);
    }

    [Fact]
    public async Task Batches_add_up_in_order_also_when_they_are_not_awaited()
    {
        var appends = new List<Task>();
        for (var i = 0; i < 200; i++)
        {
            appends.Add(Store.AppendAsync(Batch("r1", "train", 1, ("loss", [.. Enumerable.Range(i * 7, 7).Select(step => new MetricPoint(step, step, step))]))));
        }

        await Task.WhenAll(appends);

        var series = Assert.Single(await Store.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "train.loss", Points = 10_000 }, Token));
        Assert.Equal(Enumerable.Range(0, 1400).Select(static i => (long)i), series.Steps);
        Assert.Equal(series.Steps.Select(static step => (double)step), series.Values);
        var latest = Assert.Single(await Store.ListMetricsAsync("r1", Token));
        Assert.Equal((1399.0, 1399L, 1400L), (latest.Value, latest.Step, latest.Points));
    }

    [Fact]
    public async Task A_later_attempt_replaces_an_earlier_one_from_its_first_step_on()
    {
        await Store.AppendAsync(Batch("r1", "train", 1, ("loss", Steps(0, 10, value: 1)), ("only_first", Steps(0, 3, value: 1))));
        await Store.AppendAsync(Batch("r1", "train", 2, ("loss", Steps(6, 2, value: 2))));

        var whole = Assert.Single(await Store.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss" }, Token));
        Assert.Equal([1, 1, 1, 1, 1, 1, 2, 2], whole.Values);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], whole.Steps);
        Assert.Equal((2, 8L), (whole.Attempt, whole.Total));

        // What the lost attempt logged is still there for those who ask for it.
        var first = Assert.Single(await Store.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss", Attempt = 1 }, Token));
        Assert.Equal(10, first.Total);

        // The newest value is the newest attempt's, though its step is lower.
        var latest = await Store.ListMetricsAsync("r1", Token);
        Assert.Equal((2.0, 7L, 2), latest.Where(static m => m.Name == "loss").Select(static m => (m.Value, m.Step, m.Attempt)).Single());

        // A third that starts again replaces all; what comes late from the second changes nothing that is newest.
        await Store.AppendAsync(Batch("r1", "train", 3, ("loss", Steps(0, 1, value: 3))));
        await Store.AppendAsync(Batch("r1", "train", 2, ("loss", Steps(8, 1, value: 2))));
        whole = Assert.Single(await Store.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss" }, Token));
        Assert.Equal([3], whole.Values);
        Assert.Equal(3.0, (await Store.ListMetricsAsync("r1", Token)).Single(static m => m.Name == "loss").Value);
    }

    [Fact]
    public async Task A_long_history_is_thinned_out_and_keeps_its_peaks()
    {
        const int count = 200_000;
        for (var start = 0; start < count; start += 20_000)
        {
            await Store.AppendAsync(Batch("r1", "train", 1, ("loss",
                [.. Enumerable.Range(start, 20_000).Select(step => new MetricPoint(step, step, step == 123_456 ? 1e9 : step == 54_321 ? double.NaN : Math.Sin(step / 1000.0)))])));
        }

        var series = Assert.Single(await Store.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss", Points = 400 }, Token));

        Assert.Equal(count, series.Total);
        Assert.InRange(series.Steps.Length, 200, 510);
        Assert.Equal((0L, count - 1L), (series.Steps[0], series.Steps[^1]));
        Assert.Contains(1e9, series.Values);
        Assert.Contains(series.Values, double.IsNaN);
        Assert.Equal(series.Steps.Order(), series.Steps);

        // A live curve asks for what is new.
        var tail = Assert.Single(await Store.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss", From = count - 5 }, Token));
        Assert.Equal([count - 5, count - 4, count - 3, count - 2, count - 1], tail.Steps);
        Assert.Equal(5, tail.Total);
    }

    [Fact]
    public async Task A_million_points_are_all_there()
    {
        const int count = 1_000_000, each = 10_000;
        var appends = new List<Task>();
        for (var start = 0; start < count; start += each)
        {
            var from = start;
            appends.Add(Store.AppendAsync(Batch("r1", "train", 1, ("loss", [.. Enumerable.Range(from, each).Select(static step => new MetricPoint(step, step, step))]))));
        }

        await Task.WhenAll(appends);

        var series = Assert.Single(await OtherStore.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss", Points = 1000 }, Token));
        Assert.Equal(count, series.Total);
        Assert.Equal((0L, count - 1L), (series.Steps[0], series.Steps[^1]));
    }

    [Fact]
    public async Task The_newest_value_of_a_bare_name_is_of_the_stage_that_logged_it_last()
    {
        await Put("r1");
        await Store.AppendAsync(Batch("r1", "a", 1, ("loss", [new MetricPoint(9, 1000, 0.9)])));
        await Store.AppendAsync(Batch("r1", "b", 1, ("loss", [new MetricPoint(1, 2000, 0.1)])));
        await Store.AppendAsync(Batch("r1", "a", 1, ("loss", [new MetricPoint(10, 1500, 0.8)])));

        Assert.Equal(["r1"], await Ids(new RunQuery { Filter = "metrics.loss = 0.1 and metrics.a.loss = 0.8 and metrics.`b.loss` < 0.2" }));
        Assert.Empty(await Ids(new RunQuery { Filter = "metrics.loss = 0.8" }));
        Assert.Equal(2, (await Store.GetHistoryAsync(new MetricQuery { RunId = "r1", Name = "loss" }, Token)).Count);
    }

    [Fact]
    public async Task A_runs_newest_sequence_wins_whatever_the_order_of_arrival()
    {
        await Put("r1", sequence: 5, status: RunStatus.Succeeded);
        await Put("r1", sequence: 3, status: RunStatus.Running);
        Assert.Equal(RunStatus.Succeeded, (await Store.GetRunsAsync(["r1"], Token)).Single().Status);

        await OtherStore.PutRunAsync(Projection("r1", 6, RunStatus.Running));
        Assert.Equal(RunStatus.Running, (await Store.GetRunsAsync(["r1"], Token)).Single().Status);
    }

    [Fact]
    public async Task What_stages_return_is_a_metric_of_the_run()
    {
        await Store.PutRunAsync(Projection("r1", 1, RunStatus.Succeeded) with
        {
            Metrics = [new StageMetrics("evaluate", 1, Start, ImmutableDictionary<string, double>.Empty.Add("auc", 0.75).Add("O'Hare/`auc`", 0.5).Add("bad", double.NaN))],
        });

        var run = (await Store.GetRunsAsync(["r1"], Token)).Single();
        Assert.Equal(0.75, run.Metrics["evaluate.auc"]);
        Assert.Equal(double.NaN, run.Metrics["evaluate.bad"]);
        Assert.Equal(["r1"], await Ids(new RunQuery { Filter = "metrics.auc >= 0.75 and metrics.`O'Hare/``auc``` = 0.5" }));
    }

    [Fact]
    public async Task A_stage_does_not_change_what_the_run_was_started_with()
    {
        await Store.PutRunAsync(Projection("r1", 1, RunStatus.Running, [("epochs", "8")]));
        await Store.AppendAsync(new TrackBatch { RunId = "r1", Stage = "train", Attempt = 1, Parameters = [new("epochs", "9"), new("rate", "0.1"), new("rate", "0.2")] });
        await Store.PutRunAsync(Projection("r1", 2, RunStatus.Succeeded, [("epochs", "8")]));

        var run = (await Store.GetRunsAsync(["r1"], Token)).Single();
        Assert.Equal(("8", "9", "0.2"), (run.Parameters["epochs"], run.Parameters["train.epochs"], run.Parameters["rate"]));
    }

    [Fact]
    public async Task Tags_are_set_changed_and_removed()
    {
        await Put("r1");
        await Store.SetTagsAsync("r1", new Dictionary<string, string?> { ["team"] = "x", ["note"] = "it's" });
        await Store.AppendAsync(new TrackBatch { RunId = "r1", Stage = "s", Attempt = 1, Tags = [new("team", "y")] });
        await OtherStore.SetTagsAsync("r1", new Dictionary<string, string?> { ["note"] = null });

        Assert.Equal([new("team", "y")], (await Store.GetRunsAsync(["r1"], Token)).Single().Tags);
        Assert.Equal(["r1"], await Ids(new RunQuery { Filter = "tags.team = 'y' and tags.note is null" }));
    }

    [Fact]
    public async Task Artifacts_are_listed_by_path_and_replaced()
    {
        await Store.AppendAsync(new TrackBatch
        {
            RunId = "r1",
            Stage = "s",
            Attempt = 2,
            Artifacts = [new("b.txt", "d1", 1, 10), new("a/x.svg", "d2", 2, 11), new("b.txt", "d3", 3, 12)],
        });
        await Store.AppendAsync(new TrackBatch { RunId = "r1", Stage = "s", Attempt = 1, Artifacts = [new("b.txt", "late", 1, 13)] });

        Assert.Equal([new("a/x.svg", "d2", 2, 11, "s"), new("b.txt", "d3", 3, 12, "s")], await OtherStore.ListArtifactsAsync("r1", Token));
        Assert.Empty(await Store.ListArtifactsAsync("none", Token));
    }

    [Fact]
    public async Task A_run_that_only_logged_is_not_listed_until_its_grain_tells_of_it()
    {
        await Store.AppendAsync(Batch("r1", "s", 1, ("m", Steps(0, 1, 1))));
        Assert.Empty(await Ids(new RunQuery()));

        await Put("r1");
        Assert.Equal(["r1"], await Ids(new RunQuery { Filter = "metrics.m = 1" }));
    }

    [Fact]
    public async Task An_index_is_made_anew_until_somebody_tells_that_it_is_complete()
    {
        // A run that is started meanwhile does not make it so.
        await Put("r1");
        Assert.Equal(RebuildClaim.Granted, await Store.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Token));
        Assert.Equal(RebuildClaim.Granted, await Store.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Token));
        await Store.CompleteRebuildAsync();
        await Store.CompleteRebuildAsync();

        Assert.Equal(RebuildClaim.Complete, await Store.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Token));
        Assert.Equal(RebuildClaim.Complete, await OtherStore.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Token));
    }

    [Fact]
    public async Task A_removed_run_leaves_nothing_and_its_neighbours_stay()
    {
        await TwentyAsync();
        // More than goes in one step: series, blocks, newest values.
        for (var batch = 0; batch < 3; batch++)
        {
            await Store.AppendAsync(Batch("r05", "wide", 1, [.. Enumerable.Range(batch * 500, 500).Select(static i => ($"m{i}", Steps(0, 3, 1)))]));
        }

        await Store.AppendAsync(Batch("r05", "long", 1, ("loss", Steps(0, 100_000, 1))));
        await Store.AppendAsync(new TrackBatch { RunId = "r05", Stage = "train", Attempt = 1, Artifacts = [new("a.txt", "d", 1, 1)], Parameters = [new("logged", "1")] });

        await Store.RemoveRunAsync("r05");
        await Store.RemoveRunAsync("r05");
        await OtherStore.RemoveRunAsync("nobody");

        Assert.Empty(await Store.GetRunsAsync(["r05"], Token));
        Assert.Empty(await OtherStore.ListMetricsAsync("r05", Token));
        Assert.Empty(await Store.ListArtifactsAsync("r05", Token));
        Assert.Empty(await Store.GetHistoryAsync(new MetricQuery { RunId = "r05", Name = "loss" }, Token));
        Assert.Equal(19, (await Ids(new RunQuery())).Length);
        Assert.Empty(await Ids(new RunQuery { Filter = "params.kind is not null or metrics.`wide.m7` = 1" }));
        Assert.Equal(0.2, (await Store.GetRunsAsync(["r04"], Token)).Single().Metrics["train.auc"]);

        // Another takes its place, and has nothing of it.
        await Put("r05");
        await Put("x1");
        Assert.All(await Store.GetRunsAsync(["r05", "x1"], Token), static run => Assert.True(run.Metrics.IsEmpty && run.Tags.IsEmpty && run.Parameters.IsEmpty));
    }

    [Theory]
    [InlineData("params.epochs = '8'", "r08")]
    [InlineData("params.epochs = 8", "r08")]
    [InlineData("params.epochs >= 18", "r18 r19")]
    [InlineData("params.epochs in ('1', '3')", "r01 r03")]
    [InlineData("params.epochs not in (0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17)", "r18 r19")]
    [InlineData("params.kind = 'it''s'", "r05")]
    [InlineData("params.kind like 'IT%'", "")]
    [InlineData("params.kind ilike 'IT%'", "r05")]
    [InlineData("params.kind like '_t*s'", "")]
    [InlineData("metrics.auc > 0.85 and tags.team = \"even\"", "r18")]
    [InlineData("metrics.auc > 0.9 or params.epochs = '0'", "r00 r19")]
    [InlineData("not (metrics.auc > 0.05)", "r00 r01 r07")]
    [InlineData("metrics.auc is null", "")]
    [InlineData("params.kind is not null", "r05")]
    [InlineData("status = 'failed'", "r03")]
    [InlineData("partition = \"2001-04\"", "r04")]
    [InlineData("partition in ('2001-01', '2001-19', '2001-99')", "r01 r19")]
    [InlineData("partition >= '2001-18'", "r18 r19")]
    [InlineData("partition like '2001-1_' and trigger = 'hourly'", "r11 r13 r15 r17 r19")]
    [InlineData("partition is null", "r00")]
    [InlineData("not partition < '2001-19'", "r00 r19")]
    [InlineData("trigger = 'nightly' and partition <= '2001-04'", "r02 r04")]
    [InlineData("trigger ilike 'NIGHT%' and metrics.auc >= 0.8", "r16 r18")]
    [InlineData("trigger not in ('nightly', 'hourly')", "r00")]
    [InlineData("trigger != 'nightly' and partition < '2001-04'", "r01 r03")]
    [InlineData("trigger = 'nobody' or partition = '2001-07'", "r07")]
    [InlineData("status != 'succeeded'", "r03")]
    [InlineData("attributes.run_id = 'r04'", "r04")]
    [InlineData("created >= '2026-11-01T18:00:00Z'", "r18 r19")]
    [InlineData("duration > 18.5", "r19")]
    [InlineData("pipeline like 'flights%' and created < '2026-11-01T01:00:00Z'", "r00")]
    [InlineData("metrics.auc < inf and metrics.auc > 0.9", "r19")]
    [InlineData("tags.nothing = 'x'", "")]
    [InlineData("params.`'; drop table run; --` = '1'", "")]
    [InlineData("tags.team = '''; drop table run; --'", "")]
    public async Task Filters_find(string filter, string expected)
    {
        await TwentyAsync();

        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), (await Ids(new RunQuery { Filter = filter })).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_tag_that_is_no_number_compares_with_none()
    {
        foreach (var (run, size) in new[] { ("r1", "12"), ("r2", "large"), ("r3", "-3"), ("r4", ""), ("r5", "2e1"), ("r6", "nan") })
        {
            await Put(run);
            await Store.SetTagsAsync(run, new Dictionary<string, string?> { ["size"] = size });
        }

        Assert.Equal(["r3"], await Ids(new RunQuery { Filter = "tags.size < 5", Order = "id" }));
        Assert.Equal(["r1", "r5"], await Ids(new RunQuery { Filter = "tags.size >= 12", Order = "id" }));
        Assert.Empty(await Ids(new RunQuery { Filter = "tags.size = 0" }));
        Assert.Equal(["r1", "r2", "r3", "r4", "r5", "r6"], await Ids(new RunQuery { Filter = "not tags.size = 0", Order = "id" }));
    }

    [Theory]
    [InlineData("nul\0 in it")]
    [InlineData("\0")]
    [InlineData("\uFFFF0\uFFFF1")]
    [InlineData("100%_\\_[a-c]*?")]
    [InlineData("\\")]
    [InlineData("a\nb\t\"quoted\" `too`")]
    [InlineData("\uD83D\uDE00 e\u0301 \u202E")]
    public async Task Any_text_is_kept_and_found(string text)
    {
        await Store.PutRunAsync(Projection("r1", 1, RunStatus.Running, [("p", text)]));
        await Store.PutRunAsync(Projection("r2", 1, RunStatus.Running, [("p", "other")]));
        await Store.AppendAsync(new TrackBatch { RunId = "r1", Stage = "s", Attempt = 1, Tags = [new("t", text)] });

        var run = (await OtherStore.GetRunsAsync(["r1"], Token)).Single();
        Assert.Equal((text, text), (run.Parameters["p"], run.Tags["t"]));
        var quoted = text.Replace("'", "''", StringComparison.Ordinal);
        Assert.Equal(["r1"], await Ids(new RunQuery { Filter = $"params.p = '{quoted}' and tags.t = '{quoted}'" }));
        // A page's token holds the text.
        foreach (var order in new[] { "params.p asc", "params.p desc" })
        {
            Assert.Equal(["r1", "r2"], (await Pages(new RunQuery { Order = order, Limit = 1 })).Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData("100%_\\_[a-c]*?", "100%", true)]
    [InlineData("100%_\\_[a-c]*?", "%\\_[a-c]*?", true)]
    [InlineData("100xyz", "100\\%", false)]
    [InlineData("abc", "[a-c]bc", false)]
    [InlineData("abc", "a*", false)]
    [InlineData("abc", "a?c", false)]
    [InlineData("a\\bc", "a\\__", true)]
    [InlineData("abc", "a\\bc", false)]
    public async Task Nothing_but_percent_and_underscore_means_another_text(string text, string pattern, bool isLike)
    {
        await Store.PutRunAsync(Projection("r1", 1, RunStatus.Running, [("p", text)]));

        Assert.Equal(isLike ? ["r1"] : [], await Ids(new RunQuery { Filter = $"params.p like '{pattern}'" }));
        Assert.Equal(isLike ? ["r1"] : [], await Ids(new RunQuery { Filter = $"params.p ilike '{pattern.ToUpperInvariant()}'" }));
    }

    [Fact]
    public async Task Half_a_surrogate_pair_is_kept_as_what_stands_for_it()
    {
        await Store.PutRunAsync(Projection("r1", 1, RunStatus.Running, [("p", "a\uD83D")]));

        Assert.Equal("a\uFFFD", (await Store.GetRunsAsync(["r1"], Token)).Single().Parameters["p"]);
    }

    [Theory]
    [InlineData("metrics.auc desc", "r19 r18 r17 r16 r15 r14 r13 r12 r11 r10 r09 r08 r06 r05 r04 r03 r02 r01 r00 r07")]
    [InlineData("metrics.auc", "r00 r01 r02 r03 r04 r05 r06 r08 r09 r10 r11 r12 r13 r14 r15 r16 r17 r18 r19 r07")]
    [InlineData("params.epochs asc", "r00 r01 r02 r03 r04 r05 r06 r07 r08 r09 r10 r11 r12 r13 r14 r15 r16 r17 r18 r19")]
    [InlineData("params.kind", "r05 r19 r18 r17 r16 r15 r14 r13 r12 r11 r10 r09 r08 r07 r06 r04 r03 r02 r01 r00")]
    [InlineData("duration desc", "r19 r18 r17 r16 r15 r14 r13 r12 r11 r10 r09 r08 r07 r06 r05 r04 r03 r02 r01 r00")]
    [InlineData("created", "r00 r01 r02 r03 r04 r05 r06 r07 r08 r09 r10 r11 r12 r13 r14 r15 r16 r17 r18 r19")]
    [InlineData("partition", "r01 r02 r03 r04 r05 r06 r07 r08 r09 r10 r11 r12 r13 r14 r15 r16 r17 r18 r19 r00")]
    [InlineData("partition desc", "r19 r18 r17 r16 r15 r14 r13 r12 r11 r10 r09 r08 r07 r06 r05 r04 r03 r02 r01 r00")]
    [InlineData("error", "r03 r19 r18 r17 r16 r15 r14 r13 r12 r11 r10 r09 r08 r07 r06 r05 r04 r02 r01 r00")]
    [InlineData(null, "r19 r18 r17 r16 r15 r14 r13 r12 r11 r10 r09 r08 r07 r06 r05 r04 r03 r02 r01 r00")]
    public async Task Orders_hold_over_pages_of_any_size(string? order, string expected)
    {
        await TwentyAsync();

        foreach (var limit in new[] { 1, 3, 7, 20 })
        {
            foreach (var filter in new[] { null, "params.epochs >= 0" })
            {
                Assert.Equal(expected.Split(' '), await Pages(new RunQuery { Order = order, Limit = limit, Filter = filter }));
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_still_runs_is_ordered_by_how_long_it_has_run(bool descending)
    {
        // Longer than any but one has taken, and a moment longer from one page to the next.
        var now = DateTimeOffset.UtcNow;
        await Store.PutRunAsync(new RunProjection { Sequence = 1, Run = Projection("long", 1, RunStatus.Succeeded).Run with { Created = Start, Ended = now.AddYears(1) } });
        for (var i = 0; i < 4; i++)
        {
            await Store.PutRunAsync(new RunProjection { Sequence = 1, Run = Projection($"ended{i}", 1, RunStatus.Succeeded, [("p", "1")]).Run with { Created = Start, Ended = Start.AddSeconds(i) } });
            await Store.PutRunAsync(new RunProjection { Sequence = 1, Run = Projection($"runs{i}", 1, RunStatus.Running, [("p", "1")]).Run with { Created = now.AddDays(-1 - i), Ended = null } });
        }

        string[] expected = ["ended0", "ended1", "ended2", "ended3", "runs0", "runs1", "runs2", "runs3", "long"];
        foreach (var limit in new[] { 1, 2, 9 })
        {
            var query = new RunQuery { Order = descending ? "duration desc" : "duration", Limit = limit };
            Assert.Equal(descending ? expected.Reverse() : expected, await Pages(query));
            Assert.Equal((descending ? expected.Reverse() : expected).Where(static id => id != "long"), await Pages(query with { Filter = "params.p = '1'" }));
        }
    }

    [Fact]
    public async Task Pages_show_no_run_twice_and_none_missing_while_runs_are_added()
    {
        await TwentyAsync();
        var seen = new List<string>();
        var query = new RunQuery { Order = "metrics.auc desc", Limit = 3 };
        for (var added = 0; ; added++)
        {
            var page = await Store.SearchAsync(query, Token);
            seen.AddRange(page.Runs.Select(static run => run.Id));
            if (page.Next is null)
            {
                break;
            }

            // One that belongs on a page already seen, and one whose turn is still to come.
            await Put($"x{added}");
            await OtherStore.AppendAsync(Batch($"x{added}", "s", 1, ("auc", [new MetricPoint(0, 0, 0.99)])));
            query = query with { Page = page.Next };
        }

        Assert.Equal(seen.Distinct(), seen);
        Assert.Equal(20, seen.Count(static id => id.StartsWith('r')));
    }

    [Fact]
    public async Task Two_silos_write_at_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            var store = i % 2 == 0 ? Store : OtherStore;
            await store.PutRunAsync(Projection($"r{i / 2:00}", i % 2, RunStatus.Running));
            for (var step = 0; step < 20; step++)
            {
                await store.AppendAsync(Batch($"r{i / 2:00}", $"stage{i % 2}", 1, ("loss", [new MetricPoint(step, step, step)])));
            }
        }, Token)));

        Assert.Equal(20, (await Ids(new RunQuery())).Length);
        foreach (var i in Enumerable.Range(0, 20))
        {
            var series = await OtherStore.GetHistoryAsync(new MetricQuery { RunId = $"r{i:00}", Name = "loss" }, Token);
            Assert.Equal([20L, 20L], series.Select(static s => s.Total));
        }
    }

    [Fact]
    public async Task Pages_of_another_question_and_made_up_ones_are_refused()
    {
        await TwentyAsync();
        var page = await Store.SearchAsync(new RunQuery { Limit = 3 }, Token);

        foreach (var query in new[]
        {
            new RunQuery { Limit = 3, Page = page.Next, Order = "created" }, new RunQuery { Page = "x" }, new RunQuery { Page = "" }, new RunQuery { Page = "%%%" },
            new RunQuery { Page = new string('A', 100_000) }, new RunQuery { Limit = 0 }, new RunQuery { Limit = 1001 },
        })
        {
            var error = await Assert.ThrowsAsync<GristmillException>(() => Store.SearchAsync(query, Token));
            Assert.Equal(ErrorCodes.Invalid, error.Code);
        }
    }

    [Fact]
    public async Task Random_filters_find_what_a_simple_model_says()
    {
        await TwentyAsync();
        var runs = (await Store.SearchAsync(new RunQuery { Limit = 100 }, Token)).Runs;
        string[] terms =
        [
            "params.epochs = '7'", "params.epochs > 4", "params.epochs <= 11", "params.epochs in ('1', '12')", "params.kind is null", "params.kind like '%s'", "metrics.auc > 0.3", "metrics.train.auc < 0.6",
            "metrics.auc != 0.5", "metrics.nothing = 1", "tags.team = 'odd'", "tags.team != 'odd'", "tags.team ilike 'EV%'", "pipeline = 'flights'", "status = 'failed'", "error is null", "id >= 'r05'", "duration > 7",
        ];
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var filter = Make(4);
            var expected = runs.Where(run => Holds(RunFilter.Parse(filter)!, run)).Select(static run => run.Id);
            foreach (var order in new[] { null, "metrics.auc desc", "params.epochs" })
            {
                var found = await Ids(new RunQuery { Filter = filter, Order = order, Limit = 100 });
                Assert.True(expected.Order(StringComparer.Ordinal).SequenceEqual(found.Order(StringComparer.Ordinal)), $"seed {seed}: {filter} by {order}: {string.Join(' ', found)}");
                var limit = random.Next(1, 5);
                var paged = await Pages(new RunQuery { Filter = filter, Order = order, Limit = limit });
                Assert.True(found.SequenceEqual(paged), $"seed {seed}: {filter} by {order}, {limit} a page: {string.Join(' ', paged)}");
            }
        }

        string Make(int depth) => depth == 0 ? terms[random.Next(terms.Length)] : random.Next(5) switch
        {
            0 => $"not {Make(0)}",
            1 => $"({Make(depth - 1)} or {Make(depth - 1)})",
            2 => $"not ({Make(depth - 1)} and {Make(depth - 1)})",
            3 => $"{Make(depth - 1)} and {Make(0)}",
            _ => Make(0),
        };
    }

    private static bool Holds(RunCondition condition, RunRecord run) => condition switch
    {
        AllOf all => all.Terms.All(term => Holds(term, run)),
        AnyOf any => any.Terms.Any(term => Holds(term, run)),
        NotTrue not => !Holds(not.Term, run),
        RunTerm term => Holds(term, run),
        _ => throw new ArgumentOutOfRangeException(nameof(condition)),
    };

    private static bool Holds(RunTerm term, RunRecord run)
    {
        object? value = term.Field.Kind switch
        {
            RunFieldKind.Parameter => run.Parameters.GetValueOrDefault(term.Field.Name),
            RunFieldKind.Tag => run.Tags.GetValueOrDefault(term.Field.Name),
            RunFieldKind.Metric => run.Metrics.TryGetValue(term.Field.Name, out var full) || run.Metrics.TryGetValue("train." + term.Field.Name, out full) ? full : null,
            _ => term.Field.Name switch
            {
                "pipeline" => run.Pipeline,
                "status" => (double)(int)run.Status,
                "error" => run.Error,
                "duration" => (run.Ended!.Value - run.Created).TotalSeconds,
                _ => run.Id,
            },
        };
        if (term.Comparison == RunComparison.Missing)
        {
            return value is null;
        }

        return value is not (null or double.NaN) && term.Values.Any(other => Compares(value, term.Comparison, other));
    }

    private static bool Compares(object value, RunComparison comparison, object other)
    {
        if (comparison is RunComparison.Like or RunComparison.LikeIgnoringCase)
        {
            return comparison == RunComparison.Like ? ((string)value).EndsWith(((string)other)[1..], StringComparison.Ordinal) : ((string)value).StartsWith(((string)other)[..^1], StringComparison.OrdinalIgnoreCase);
        }

        var order = other is double number
            ? (value is double own ? own : double.Parse((string)value, CultureInfo.InvariantCulture)).CompareTo(number)
            : string.CompareOrdinal((string)value, (string)other);
        return comparison switch
        {
            RunComparison.Equal or RunComparison.In => order == 0,
            RunComparison.NotEqual => order != 0,
            RunComparison.Less => order < 0,
            RunComparison.LessOrEqual => order <= 0,
            RunComparison.Greater => order > 0,
            _ => order >= 0,
        };
    }

    private async Task TwentyAsync()
    {
        for (var i = 0; i < 20; i++)
        {
            var created = Start.AddHours(i);
            var parameters = new List<(string, string)> { ("epochs", i.ToString(CultureInfo.InvariantCulture)) };
            if (i == 5)
            {
                parameters.Add(("kind", "it's"));
            }

            var run = Projection($"r{i:00}", 1, i == 3 ? RunStatus.Failed : RunStatus.Succeeded, parameters);
            await Store.PutRunAsync(run with
            {
                Run = run.Run with
                {
                    Pipeline = i < 10 ? "flights" : "images",
                    Created = created,
                    Started = created,
                    Ended = created.AddSeconds(i),
                    Error = i == 3 ? "stage.failed" : null,
                    Partition = i == 0 ? null : $"2001-{i:00}",
                    Trigger = i == 0 ? null : i % 2 == 0 ? "nightly" : "hourly",
                },
            });
            await Store.AppendAsync(new TrackBatch
            {
                RunId = $"r{i:00}",
                Stage = "train",
                Attempt = 1,
                Metrics = [new MetricBlock("auc", new[] { new MetricPoint(0, 0, 0), new MetricPoint(1, 1, i == 7 ? double.NaN : i / 20.0) })],
                Tags = [new("team", i % 2 == 0 ? "even" : "odd")],
            });
        }
    }

    private async Task<string[]> Ids(RunQuery query) => [.. (await Store.SearchAsync(query, Token)).Runs.Select(static run => run.Id)];

    private async Task<List<string>> Pages(RunQuery query)
    {
        var ids = new List<string>();
        while (true)
        {
            var page = await Store.SearchAsync(query, Token);
            Assert.True(page.Runs.Count <= query.Limit);
            ids.AddRange(page.Runs.Select(static run => run.Id));
            if (page.Next is null)
            {
                return ids;
            }

            query = query with { Page = page.Next };
        }
    }

    private Task Put(string id, long sequence = 0, RunStatus status = RunStatus.Running) => Store.PutRunAsync(Projection(id, sequence, status));

    private static RunProjection Projection(string id, long sequence, RunStatus status, IEnumerable<(string Name, string Value)>? parameters = null) => new()
    {
        Sequence = sequence,
        Run = new RunRecord
        {
            Id = id,
            Pipeline = "flights",
            Status = status,
            Created = Start,
            Parameters = (parameters ?? []).ToImmutableDictionary(static p => p.Name, static p => p.Value),
        },
    };

    private static TrackBatch Batch(string run, string stage, int attempt, params (string Name, MetricPoint[] Points)[] metrics) => new()
    {
        RunId = run,
        Stage = stage,
        Attempt = attempt,
        Metrics = [.. metrics.Select(static m => new MetricBlock(m.Name, m.Points))],
    };

    private static MetricPoint[] Steps(int first, int count, double value) => [.. Enumerable.Range(first, count).Select(step => new MetricPoint(step, step, value))];
}
