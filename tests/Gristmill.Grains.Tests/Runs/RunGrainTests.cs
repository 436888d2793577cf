using System.Collections.Immutable;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class RunGrainTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

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
        var order = _cluster.Executor.Attempts.Select(static attempt => attempt.Stage).ToList();
        Assert.Equal("a", order[0]);
        Assert.Equal("d", order[3]);
        var last = _cluster.Executor.Attempts.Last();
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
        _cluster.Executor.On("a", _ => Done(("auc", 0.75)));
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
        using var options = System.Text.Json.JsonDocument.Parse(_cluster.Executor.Attempts.Last().Options);
        Assert.Equal("a \"quoted\" {$param}", options.RootElement.GetProperty("text").GetString());
        Assert.Equal(0.75, options.RootElement.GetProperty("deep")[0].GetProperty("x").GetDouble());
        Assert.Equal(5, options.RootElement.GetProperty("n").GetInt32());
        Assert.Equal("$param", options.RootElement.GetProperty("plain").GetString());
    }

    [Fact]
    public async Task A_condition_that_fails_skips_the_stage_and_those_that_need_it()
    {
        _cluster.Executor.On("a", _ => Done(("auc", 0.5)));
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
        Assert.Contains("auc is 0.5", run.Of("b").Reason, StringComparison.Ordinal);
        Assert.Equal(StageStatus.Skipped, run.Of("c").Status);
        Assert.Contains("'b'", run.Of("c").Reason, StringComparison.Ordinal);
        Assert.Equal(StageStatus.Succeeded, run.Of("d").Status);
        Assert.Equal(StageStatus.Succeeded, run.Of("e").Status);
        Assert.Equal(0, _cluster.Executor.Count("b") + _cluster.Executor.Count("c"));
    }

    [Fact]
    public async Task A_failure_lets_running_siblings_finish_and_starts_nothing_more()
    {
        var sibling = _cluster.Executor.Hold("sibling");
        _cluster.Executor.On("bad", async (_, _, _) =>
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
        Assert.Equal(0, _cluster.Executor.Count("after"));
    }
}
