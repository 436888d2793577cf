using System.Collections.Immutable;
using System.Text.Json;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class LoopTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public LoopTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
        // Items go through a stage as a metric, so that order and identity show.
        Executor.Default = static request =>
        {
            using var options = JsonDocument.Parse(request.Options);
            return Done(options.RootElement.TryGetProperty("item", out var item) && item.ValueKind == JsonValueKind.Number ? [("item", item.GetDouble())] : []);
        };
    }

    private ScriptedExecutor Executor => _cluster.Executor;

    [Fact]
    public async Task A_body_runs_for_each_item_and_its_outputs_are_collected_in_order()
    {
        var spec = Pipeline(
            Each("each", "[3,1,2]"),
            Stage("train") with { Loop = "each", Options = """{"item":{"$item":"each"},"index":{"$index":"each"}}""" },
            Stage("judge", "train") with { Loop = "each" },
            Collect("all", "train"));

        var run = await RunAsync(spec);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(["each", "all", "train[0]", "judge[0]", "train[1]", "judge[1]", "train[2]", "judge[2]"], run.Stages.Select(static stage => stage.Name));
        Assert.Equal(["train[1]"], run.Of("judge[1]").DependsOn);
        Assert.Equal(["each"], run.Of("all").DependsOn);
        Assert.Equal("""{"item":1,"index":1}""", Executor.Attempts.Single(static a => a.Stage == "train[1]").Options);
        Assert.Equal(run.Of("train[2]").Outputs["out"].Dataset, Executor.Attempts.Single(static a => a.Stage == "judge[2]").Inputs["train"].Dataset);
        var collected = Executor.Attempts.Single(static a => a.Stage == "all").Inputs["train"].Collection!;
        Assert.Equal([3, 1, 2], collected.Items!.Value.Select(static item => item!.Metrics!["item"]));
        Assert.Equal(3, run.Of("each").Outputs["metrics"].Metrics!["items"]);
    }

    [Fact]
    public async Task No_items_are_no_work_and_an_empty_collection()
    {
        var run = await RunAsync(Pipeline(Each("each", "[]"), Stage("train") with { Loop = "each" }, Collect("all", "train")));

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(["all"], Executor.Attempts.Select(static a => a.Stage));
        Assert.Empty(Executor.Attempts.Single().Inputs["train"].Collection!.Items!.Value);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2_000)]
    public async Task A_list_that_a_stage_returned_decides_how_often(int count)
    {
        var list = JsonSerializer.Serialize(Enumerable.Range(0, count).Select(static i => new { name = $"route-{i}" }));
        Executor.On("list", _ => Value(list));
        var spec = Pipeline(
            Stage("list"),
            Each("each", """{"$value":{"stage":"list","output":"out"}}"""),
            Stage("train") with { Loop = "each", Options = """{"route":{"$item":{"loop":"each","path":"name"}}}""" },
            Collect("all", "train"));

        var run = await RunAsync(spec);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(count, Executor.Attempts.Count(static a => a.Stage.StartsWith("train", StringComparison.Ordinal)));
        Assert.Equal($$"""{"route":"route-{{count - 1}}"}""", Executor.Attempts.Single(a => a.Stage == $"train[{count - 1}]").Options);
        Assert.Equal(count, Executor.Attempts.Single(static a => a.Stage == "all").Inputs["train"].Collection!.Items!.Value.Length);
        Assert.DoesNotContain(_cluster.Largest, static message => message.Value > 64 << 10);
    }

    [Fact]
    public async Task As_many_items_are_under_way_as_may_and_no_more()
    {
        var gates = Enumerable.Range(0, 5).Select(i => Executor.Hold($"judge[{i}]")).ToList();
        var id = await _cluster.RunAsync(Pipeline(
            Each("each", "[0,1,2,3,4]", "\"parallelism\":3"),
            Stage("train") with { Loop = "each" },
            Stage("judge", "train") with { Loop = "each" }));

        await Task.WhenAll(gates.Take(3).Select(static gate => gate.Started.Task));
        Assert.Equal(0, Executor.Count("train[3]"));
        gates[1].Released.SetResult();
        await gates[3].Started.Task;
        Assert.Equal(0, Executor.Count("train[4]"));
        gates.ForEach(static gate => gate.Released.TrySetResult());

        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(id)).Status);
    }

    [Fact]
    public async Task A_share_of_the_items_may_fail_and_is_left_out()
    {
        Fail("train[1]");
        var run = await RunAsync(Pipeline(
            Each("each", "[0,1,2,3]", "\"allowFailures\":0.25"),
            Stage("train") with { Loop = "each", Options = """{"item":{"$item":"each"}}""" },
            Stage("judge", "train") with { Loop = "each" },
            Collect("all", "train")));

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal((StageStatus.Failed, StageStatus.Cancelled, StageStatus.Succeeded), (run.Of("train[1]").Status, run.Of("judge[1]").Status, run.Of("each").Status));
        Assert.Equal([0, 2, 3], Executor.Attempts.Single(static a => a.Stage == "all").Inputs["train"].Collection!.Items!.Value.Select(static item => item!.Metrics!["item"]));
        Assert.Equal(1, run.Of("each").Outputs["metrics"].Metrics!["failed"]);
    }

    [Fact]
    public async Task More_failures_than_may_be_fail_the_loop_and_the_run()
    {
        Fail("train[1]");
        Fail("train[2]");
        var run = await RunAsync(Pipeline(
            Each("each", "[0,1,2,3]", "\"allowFailures\":0.25"), Stage("train") with { Loop = "each" }, Collect("all", "train")));

        Assert.Equal((RunStatus.Failed, ErrorCodes.LoopFailed), (run.Status, run.Error!.Code));
        Assert.Contains("2 failed, and 1 may", run.Error.Message, StringComparison.Ordinal);
        Assert.Equal((StageStatus.Failed, StageStatus.Cancelled), (run.Of("each").Status, run.Of("all").Status));
    }

    [Fact]
    public async Task Items_that_a_failing_run_cancels_are_no_failures_of_their_loop()
    {
        // One of three fails, as it may; then a stage outside fails, and the run cancels what the loop had left.
        Fail("train[0]");
        var second = Executor.Hold("train[1]");
        Executor.On("other", async (_, _, _) =>
        {
            await second.Started.Task;
            throw new GristmillException(ErrorCodes.StageFailed, "elsewhere");
        });

        var id = await _cluster.RunAsync(Pipeline(
            Each("each", "[0,1,2]", "\"allowFailures\":0.5,\"parallelism\":1"), Stage("train") with { Loop = "each" }, Stage("judge", "train") with { Loop = "each" }, Stage("other")));
        // What runs in a failing run may end, and nothing starts any more.
        await TestCluster.UntilAsync(async () => (await _cluster.Client.GetGrain<IRunGrain>(id).GetAsync())!.Of("other").Status == StageStatus.Failed);
        second.Released.SetResult();
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal((RunStatus.Failed, StageStatus.Failed), (run.Status, run.Of("other").Status));
        Assert.NotEqual(StageStatus.Failed, run.Of("each").Status);
        Assert.Null(run.Of("each").Error);
    }

    [Fact]
    public async Task One_failure_fails_a_loop_that_allows_none()
    {
        Fail("train[0]");
        var run = await RunAsync(Pipeline(
            Each("each", "[0,1,2,3]", "\"parallelism\":1"), Stage("train") with { Loop = "each" }, Stage("other") with { After = ["each"] }));

        Assert.Equal((RunStatus.Failed, ErrorCodes.StageFailed, "train[0]"), (run.Status, run.Error!.Code, run.Error.Details["stage"]));
        Assert.Equal(StageStatus.Cancelled, run.Of("train[3]").Status);
        Assert.Equal(0, Executor.Count("train[3]"));
    }

    [Fact]
    public async Task Loops_nest_with_conditions_and_collect_within_and_outside()
    {
        var spec = Pipeline(
            Each("outer", "[[1,2],[3]]"),
            Each("inner", """{"$item":"outer"}""") with { Loop = "outer" },
            Stage("work") with { Loop = "inner", Options = """{"item":{"$item":"inner"},"at":{"$index":"outer"}}""", When = new ConditionSpec(Operator: "!=", Value: "2") { Left = """{"$item":"inner"}""" } },
            Collect("some", "work") with { Loop = "outer" },
            Collect("all", "work"));

        var run = await RunAsync(spec);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(StageStatus.Skipped, run.Of("work[0][1]").Status);
        Assert.Equal("""{"item":3,"at":1}""", Executor.Attempts.Single(static a => a.Stage == "work[1][0]").Options);
        Assert.Equal([1, null], Items("some[0]"));
        Assert.Equal([3], Items("some[1]"));
        Assert.Equal([1, null, 3], Items("all"));

        IEnumerable<double?> Items(string stage) =>
            Executor.Attempts.Single(a => a.Stage == stage).Inputs["work"].Collection!.Items!.Value.Select(static item => item?.Metrics!["item"]);
    }

    [Fact]
    public async Task What_is_no_list_or_too_long_a_list_fails_by_name()
    {
        Executor.On("list", _ => Value("\"text\""));
        var text = await RunAsync(Pipeline(Stage("list"), Each("each", """{"$value":{"stage":"list","output":"out"}}"""), Stage("train") with { Loop = "each" }));
        Assert.Equal((RunStatus.Failed, ErrorCodes.BadValue), (text.Status, text.Error!.Code));
        Assert.Contains("which is no list", text.Error.Message, StringComparison.Ordinal);

        Assert.Contains("10,001 elements", Assert.Throws<GristmillException>(() => ValueRef.Of(JsonSerializer.Serialize(new int[10_001]))).Message, StringComparison.Ordinal);
        Assert.Contains("bytes of JSON", Assert.Throws<GristmillException>(() => ValueRef.Of($"\"{new string('x', 1 << 20)}\"")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loop_that_is_skipped_has_no_items_and_what_collects_it_is_skipped()
    {
        var run = await RunAsync(Pipeline(
            Stage("a"),
            Each("each", "[1,2]") with { When = new ConditionSpec("a", "n", ">", "5") },
            Stage("train") with { Loop = "each" },
            Collect("all", "train")));

        Assert.Equal(["a", "each", "all"], run.Stages.Select(static stage => stage.Name));
        Assert.Equal([StageStatus.Succeeded, StageStatus.Skipped, StageStatus.Skipped], run.Stages.Select(static stage => stage.Status));
    }

    [Fact]
    public async Task A_silo_that_is_killed_within_a_loop_costs_no_item_that_was_done()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Executor.On("list", static _ => Value("[0,1,2,3]"));
        var held = cluster.Executor.Hold("train[2]");
        var id = await cluster.RunAsync(Pipeline(
            Stage("list"),
            Each("each", """{"$value":{"stage":"list","output":"out"}}""", "\"parallelism\":1"),
            Stage("train") with { Loop = "each" },
            Collect("all", "train"),
            Stage("notify") with { OnExit = true }));
        await held.Started.Task;

        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
        cluster.Executor.On("train[2]", static _ => Done());
        var gate = cluster.Executor.Hold("notify");
        await cluster.Cluster.StartAdditionalSiloAsync();
        await gate.Started.Task;
        await cluster.Cluster.KillSiloAsync(cluster.Cluster.Silos[0]);
        cluster.Executor.On("notify", static _ => Done());
        await cluster.Cluster.StartAdditionalSiloAsync();
        var run = await cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal([1, 1, 1, 2, 1, 1, 2], new[] { "list", "train[0]", "train[1]", "train[2]", "train[3]", "all", "notify" }.Select(cluster.Executor.Count));
        Assert.Equal(4, cluster.Executor.Attempts.Single(static a => a.Stage == "all").Inputs["train"].Collection!.Items!.Value.Length);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(300)]
    public async Task A_retry_runs_the_items_that_failed_and_what_follows_and_the_exit_again(int items)
    {
        var broken = true;
        var list = JsonSerializer.Serialize(Enumerable.Range(0, items));
        var bad = $"train[{items - 2}]";
        Executor.On("list", _ => Value(list));
        Executor.On(bad, _ => broken ? throw new GristmillException(ErrorCodes.StageFailed, "not yet") : Done());
        var id = await _cluster.RunAsync(Pipeline(
            Stage("list"),
            Each("each", """{"$value":{"stage":"list","output":"out"}}"""),
            Stage("train") with { Loop = "each", Options = """{"item":{"$item":"each"}}""" },
            Stage("judge", "train") with { Loop = "each" },
            Collect("all", "train"),
            Stage("notify", "all") with { OnExit = true }) with
        {
            OnFailure = FailurePolicy.Continue,
        });
        Assert.Equal(RunStatus.Failed, (await _cluster.EndOfAsync(id)).Status);

        broken = false;
        await _cluster.Client.GetGrain<IRunGrain>(id).RetryAsync();
        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(id)).Status);

        var counts = Executor.Attempts.GroupBy(static a => a.Stage).ToDictionary(static a => a.Key, static a => a.Count());
        Assert.Equal((1, 2, 1), (counts["list"], counts[bad], counts["all"]));
        Assert.Equal(items + 1, counts.Where(static c => c.Key.StartsWith("train[", StringComparison.Ordinal)).Sum(static c => c.Value));
        Assert.Equal(items, counts.Where(static c => c.Key.StartsWith("judge[", StringComparison.Ordinal)).Sum(static c => c.Value));
        Assert.Equal(items, Executor.Attempts.Single(static a => a.Stage == "all").Inputs["train"].Collection!.Items!.Value.Length);
        Assert.Equal([RunStatus.Failed, RunStatus.Succeeded], Executor.Attempts.Where(static a => a.Stage == "notify").Select(static a => a.Exit!.Status));
    }

    [Fact]
    public async Task Cancelling_ends_what_runs_in_a_loop()
    {
        var gate = Executor.Hold("train[1]");
        var id = await _cluster.RunAsync(Pipeline(Each("each", "[0,1]", "\"allowFailures\":1"), Stage("train") with { Loop = "each" }, Collect("all", "train")));
        await gate.Started.Task;

        await _cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Cancelled, run.Status);
        Assert.All(["each", "all", "train[1]"], stage => Assert.Equal(StageStatus.Cancelled, run.Of(stage).Status));
    }

    private static StageSpec Each(string name, string items, string? more = null) => new()
    {
        Name = name,
        Operation = StageOperations.ForEach,
        Options = $$"""{"items":{{items}}{{(more is null ? "" : "," + more)}}}""",
    };

    private static StageSpec Collect(string name, string stage) => new()
    {
        Name = name,
        Operation = StageOperations.Code,
        Inputs = ImmutableDictionary<string, OutputRef>.Empty.Add(stage, new OutputRef(stage, "metrics")),
    };

    private static StageResult Value(string json) => Done() with { Outputs = ImmutableDictionary<string, Artifact>.Empty.Add("out", Artifact.Of(ValueRef.Of(json))) };

    private void Fail(string stage) => Executor.On(stage, _ => throw new GristmillException(ErrorCodes.StageFailed, "no good"));

    private async Task<RunView> RunAsync(PipelineSpec spec)
    {
        var id = await _cluster.RunAsync(spec);
        var run = await _cluster.EndOfAsync(id);
        if (run.IsWhole)
        {
            return run;
        }

        return run with { Stages = [.. await _cluster.Client.GetGrain<IRunGrain>(id).ListStagesAsync().ToListAsync()] };
    }
}
