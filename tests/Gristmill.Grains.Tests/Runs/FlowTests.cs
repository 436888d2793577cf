using System.Collections.Immutable;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

/// <summary>Conditions, joins, what failures mean, and what runs at the exit.</summary>
public sealed class FlowTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public FlowTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    private ScriptedExecutor Executor => _cluster.Executor;

    [Theory]
    [InlineData(1, "high")]
    [InlineData(0.5, "middle")]
    [InlineData(0.1, "low")]
    public async Task One_branch_runs_and_the_join_has_what_it_made(double auc, string taken)
    {
        Executor.On("a", _ => Done(("auc", auc)));
        var (high, middle) = (new ConditionSpec("a", "auc", ">", "0.8"), new ConditionSpec("a", "auc", ">", "0.3"));
        var spec = Pipeline(
            Stage("a"),
            Stage("high") with { When = high },
            Stage("middle") with { When = new ConditionSpec { All = [new ConditionSpec { Not = high }, middle] } },
            Stage("low") with { When = new ConditionSpec { All = [new ConditionSpec { Not = high }, new ConditionSpec { Not = middle }] } },
            Join("join", "high", "middle", "low"),
            Stage("after", "join") with { When = new ConditionSpec("join", "n", "==", "1") });

        var run = await RunAsync(spec);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        string[] branches = ["high", "middle", "low"];
        Assert.All(branches, branch => Assert.Equal(branch == taken ? StageStatus.Succeeded : StageStatus.Skipped, run.Of(branch).Status));
        Assert.Equal(StageStatus.Succeeded, run.Of("join").Status);
        Assert.Equal(run.Of(taken).Outputs["out"].Dataset, run.Of("join").Outputs["out"].Dataset);
        Assert.Equal(run.Of(taken).Outputs["out"].Dataset, Executor.Attempts.Single(a => a.Stage == "after").Inputs["join"].Dataset);
    }

    [Fact]
    public async Task A_condition_on_a_skipped_stage_is_unknown_and_so_is_its_contrary()
    {
        var never = new ConditionSpec("a", "n", ">", "5");
        var inner = new ConditionSpec("b", "n", ">", "0");
        var spec = Pipeline(
            Stage("a"),
            Stage("b") with { When = never },
            Stage("then") with { When = inner },
            Stage("else") with { When = new ConditionSpec { Not = inner } },
            Stage("either") with { When = new ConditionSpec { Any = [inner, new ConditionSpec("a", "n", "==", "1")] } },
            Join("join", "then", "else"),
            Stage("needs", "join"));

        var run = await RunAsync(spec);

        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.All(["b", "then", "else", "join", "needs"], stage => Assert.Equal(StageStatus.Skipped, run.Of(stage).Status));
        Assert.Contains("unknown", run.Of("else").Reason, StringComparison.Ordinal);
        Assert.Contains("all the branches", run.Of("join").Reason, StringComparison.Ordinal);
        Assert.Equal(StageStatus.Succeeded, run.Of("either").Status);
    }

    [Fact]
    public async Task Conditions_ask_parameters_and_values_that_stages_return()
    {
        Executor.On("a", _ => Done() with { Outputs = ImmutableDictionary<string, Artifact>.Empty.Add("out", Artifact.Of(ValueRef.Of("\"red\""))) });
        var colour = new ConditionSpec(Operator: "==", Value: "\"red\"") { Left = """{"$value":{"stage":"a","output":"out"}}""" };
        var mode = new ConditionSpec(Operator: "==", Value: "\"full\"") { Left = """{"$param":"mode"}""" };
        var spec = Pipeline(
            Stage("a"),
            Stage("red") with { When = colour, Options = """{"colour":{"$value":{"stage":"a","output":"out"}}}""" },
            Stage("full") with { When = mode },
            Stage("dry") with { When = new ConditionSpec { Not = mode } }) with
        {
            Parameters = [new ParameterSpec("mode", ParameterType.String, "\"dry\"")],
        };

        var run = await RunAsync(spec);

        Assert.Equal(
            [StageStatus.Succeeded, StageStatus.Succeeded, StageStatus.Skipped, StageStatus.Succeeded], run.Stages.Select(static stage => stage.Status));
        Assert.Equal("""{"colour":"red"}""", Executor.Attempts.Single(static a => a.Stage == "red").Options);
    }

    [Fact]
    public async Task With_the_policy_to_continue_only_what_waits_for_the_failure_is_cancelled()
    {
        Fail("bad");
        var spec = Pipeline(
            Stage("bad"), Stage("needs", "bad"), Stage("after") with { After = ["bad"] }, Stage("later", "needs"),
            Stage("good"), Stage("more", "good"), Join("join", "bad", "good"), Join("first", "good", "bad")) with
        {
            OnFailure = FailurePolicy.Continue,
        };

        var run = await RunAsync(spec);

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal("bad", run.Error!.Details["stage"]);
        Assert.All(["needs", "after", "later", "join"], stage => Assert.Equal(StageStatus.Cancelled, run.Of(stage).Status));
        Assert.Contains("'bad', which it waits for, failed", run.Of("needs").Reason, StringComparison.Ordinal);
        Assert.All(["good", "more", "first"], stage => Assert.Equal(StageStatus.Succeeded, run.Of(stage).Status));
    }

    [Theory]
    [InlineData(FailurePolicy.FailFast)]
    [InlineData(FailurePolicy.Continue)]
    public async Task A_stage_that_ignores_failures_before_it_runs_without_what_is_missing(FailurePolicy policy)
    {
        Fail("bad");
        var spec = Pipeline(
            Stage("good"), Stage("bad") with { After = ["good"] }, Stage("between", "bad"),
            Stage("report", "good", "between") with { IgnoreUpstreamFailure = true, Options = """{"n":{"$value":{"stage":"bad","metric":"n"}}}""" }) with
        {
            OnFailure = policy,
        };

        var run = await RunAsync(spec);

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(StageStatus.Cancelled, run.Of("between").Status);
        Assert.Equal(StageStatus.Succeeded, run.Of("report").Status);
        var attempt = Executor.Attempts.Single(static a => a.Stage == "report");
        Assert.Equal(["good"], attempt.Inputs.Keys);
        Assert.Equal("""{"n":null}""", attempt.Options);
    }

    [Fact]
    public async Task What_runs_at_the_exit_sees_success()
    {
        var run = await RunAsync(Pipeline(Stage("a"), Stage("notify", "a") with { OnExit = true }, Stage("then") with { OnExit = true, After = ["notify"] }));

        Assert.Equal(RunStatus.Succeeded, run.Status);
        var notify = Executor.Attempts.Single(static a => a.Stage == "notify");
        Assert.Equal((RunStatus.Succeeded, run.Id, run.Pipeline), (notify.Exit!.Status, notify.Exit.Run, notify.Exit.Pipeline));
        Assert.Equal(run.Of("a").Outputs["out"].Dataset, notify.Inputs["a"].Dataset);
        Assert.Null(Executor.Attempts.Single(static a => a.Stage == "a").Exit);
        Assert.Equal(["a", "notify", "then"], Executor.Attempts.Select(static a => a.Stage));
    }

    [Fact]
    public async Task What_runs_at_the_exit_sees_the_failure_and_does_not_change_how_the_run_ended()
    {
        Fail("bad");
        Fail("broken");

        var run = await RunAsync(Pipeline(
            Stage("bad"), Stage("next", "bad"), Stage("notify", "next") with { OnExit = true }, Stage("broken") with { OnExit = true }));

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal("bad", run.Error!.Details["stage"]);
        Assert.Equal(StageStatus.Failed, run.Of("broken").Status);
        var notify = Executor.Attempts.Single(static a => a.Stage == "notify");
        Assert.Equal((RunStatus.Failed, "bad", ErrorCodes.StageFailed), (notify.Exit!.Status, notify.Exit.FailedStage, notify.Exit.Error!.Code));
        Assert.Empty(notify.Inputs);
    }

    [Fact]
    public async Task A_failure_at_the_exit_alone_leaves_the_run_succeeded()
    {
        Fail("broken");

        var run = await RunAsync(Pipeline(Stage("a"), Stage("broken") with { OnExit = true }));

        Assert.Equal((RunStatus.Succeeded, StageStatus.Failed), (run.Status, run.Of("broken").Status));
        Assert.Null(run.Error);
    }

    [Fact]
    public async Task What_runs_at_the_exit_sees_the_cancellation()
    {
        var gate = Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("notify") with { OnExit = true }));
        await gate.Started.Task;

        await _cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal(RunStatus.Cancelled, run.Status);
        Assert.Equal([StageStatus.Cancelled, StageStatus.Cancelled, StageStatus.Succeeded], run.Stages.Select(static stage => stage.Status));
        Assert.Equal(RunStatus.Cancelled, Executor.Attempts.Single(static a => a.Stage == "notify").Exit!.Status);
    }

    [Fact]
    public async Task Cancelling_at_the_exit_ends_what_still_runs_there_and_not_how_the_run_ended()
    {
        var gate = Executor.Hold("notify");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("notify") with { OnExit = true }));
        await gate.Started.Task;

        await _cluster.Client.GetGrain<IRunGrain>(id).CancelAsync();
        var run = await _cluster.EndOfAsync(id);

        Assert.Equal((RunStatus.Succeeded, StageStatus.Cancelled), (run.Status, run.Of("notify").Status));
    }

    private static StageSpec Join(string name, params string[] branches) => new()
    {
        Name = name,
        Operation = StageOperations.OneOf,
        Inputs = branches.Index().ToImmutableDictionary(static branch => $"{branch.Index}", static branch => new OutputRef(branch.Item)),
    };

    private void Fail(string stage) => Executor.On(stage, _ => throw new GristmillException(ErrorCodes.StageFailed, "no good"));

    private async Task<RunView> RunAsync(PipelineSpec spec) => await _cluster.EndOfAsync(await _cluster.RunAsync(spec));
}
