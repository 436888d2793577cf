using System.Collections.Immutable;
using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class RunControlTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;

    public RunControlTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    private ScriptedExecutor Executor => _cluster.Executor;

    private IRunGrain Grain(string run) => _cluster.Client.GetGrain<IRunGrain>(run);

    [Fact]
    public async Task A_paused_run_finishes_what_runs_and_starts_nothing_until_it_goes_on()
    {
        var gate = Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await gate.Started.Task;
        await Grain(id).PauseAsync();
        await Grain(id).PauseAsync();
        gate.Released.SetResult();
        await TestCluster.UntilAsync(async () => (await Grain(id).GetAsync())!.Of("a").Status == StageStatus.Succeeded);

        var paused = (await Grain(id).GetAsync())!;
        Assert.True(paused.Paused);
        Assert.Equal((RunStatus.Running, StageStatus.Pending), (paused.Status, paused.Of("b").Status));
        var listed = (await _cluster.Client.GetGrain<IPipelineGrain>(paused.Pipeline).ListRunsAsync(1, null))[0];
        await TestCluster.UntilAsync(async () => (await _cluster.Client.GetGrain<IPipelineGrain>(paused.Pipeline).ListRunsAsync(1, null))[0].Paused);
        Assert.Equal(id, listed.Id);

        await Grain(id).ContinueAsync();
        var ended = await _cluster.EndOfAsync(id);
        Assert.Equal((RunStatus.Succeeded, false), (ended.Status, ended.Paused));
        Assert.Equal(ErrorCodes.Conflict, (await Assert.ThrowsAsync<GristmillException>(() => Grain(id).PauseAsync())).Code);
    }

    [Fact]
    public async Task Watchers_are_told_of_a_pause_and_of_its_end()
    {
        var gate = Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await gate.Started.Task;
        await using var changes = Grain(id).WatchAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await changes.MoveNextAsync());
        Assert.Equal((false, false), (changes.Current.Paused, changes.Current.Run!.Paused));

        await Grain(id).PauseAsync();
        // Again changes nothing, and is not told.
        await Grain(id).PauseAsync();
        await Grain(id).ContinueAsync();
        foreach (var paused in (bool[])[true, false])
        {
            Assert.True(await changes.MoveNextAsync());
            var told = changes.Current;
            Assert.Equal((paused, RunStatus.Running, 2), (told.Paused, told.Status, told.Counts.Total));
            Assert.True(told is { Run: null, Stage: null, Stages.IsEmpty: true });
        }

        gate.Released.SetResult();
        while (await changes.MoveNextAsync() && changes.Current.Run is null)
        {
            Assert.False(changes.Current.Paused);
        }

        Assert.Equal(RunStatus.Succeeded, changes.Current.Status);
    }

    [Fact]
    public async Task A_paused_run_can_be_cancelled()
    {
        var gate = Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await gate.Started.Task;
        await Grain(id).PauseAsync();
        await Grain(id).CancelAsync();
        Assert.Equal(RunStatus.Cancelled, (await _cluster.EndOfAsync(id)).Status);
    }

    [Fact]
    public async Task A_retried_run_goes_on_from_the_stage_that_failed()
    {
        var broken = true;
        Executor.On("b", _ => broken ? throw new GristmillException(ErrorCodes.StageFailed, "not yet") : Done());
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a"), Stage("c", "b")));
        var failed = await _cluster.EndOfAsync(id);
        Assert.Equal(RunStatus.Failed, failed.Status);

        broken = false;
        await Grain(id).RetryAsync();
        var ended = await _cluster.EndOfAsync(id);
        Assert.Equal((RunStatus.Succeeded, 1, null), (ended.Status, ended.Retries, ended.Error));
        Assert.Equal((1, 2, 1), (Executor.Count("a"), Executor.Count("b"), Executor.Count("c")));
        Assert.Equal(failed.Of("a").Outputs["out"], ended.Of("a").Outputs["out"]);
        Assert.Equal(2, ended.Of("b").Attempts);
        // Fenced: what an attempt of before may still bring has an older epoch.
        Assert.Equal([1, 2], Executor.Attempts.Where(static attempt => attempt.Stage == "b").Select(static attempt => attempt.Epoch));
        await TestCluster.UntilAsync(async () => (await _cluster.Client.GetGrain<IPipelineGrain>(ended.Pipeline).ListRunsAsync(1, null))[0].Status == RunStatus.Succeeded);
    }

    [Fact]
    public async Task A_retry_gives_a_stage_all_its_attempts_again()
    {
        Executor.On("a", _ => throw new GristmillException(ErrorCodes.WorkerCrashed, "gone"));
        var id = await _cluster.RunAsync(Pipeline(Stage("a") with { Retry = new RetryPolicy { MaxAttempts = 2, Backoff = TimeSpan.Zero } }));
        Assert.Equal(RunStatus.Failed, (await _cluster.EndOfAsync(id)).Status);
        Assert.Equal(2, Executor.Count("a"));
        await Grain(id).RetryAsync();
        Assert.Equal(RunStatus.Failed, (await _cluster.EndOfAsync(id)).Status);
        Assert.Equal([1, 2, 3, 4], Executor.Attempts.Select(static attempt => attempt.Attempt));
        await Grain(id).RetryAsync();
        Assert.Equal(2, (await _cluster.EndOfAsync(id)).Retries);
        Assert.Equal(6, Executor.Count("a"));
    }

    [Fact]
    public async Task A_cancelled_run_can_be_retried()
    {
        var gate = Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("b", "a")));
        await gate.Started.Task;
        await Grain(id).CancelAsync();
        Assert.Equal(RunStatus.Cancelled, (await _cluster.EndOfAsync(id)).Status);
        Executor.Reset();
        await Grain(id).RetryAsync();
        Assert.Equal(RunStatus.Succeeded, (await _cluster.EndOfAsync(id)).Status);
        Assert.Equal(1, Executor.Count("a"));
    }

    [Fact]
    public async Task A_committed_stage_whose_table_is_lost_is_executed_again_if_it_is_needed()
    {
        var broken = true;
        Executor.On("c", _ => broken ? throw new GristmillException(ErrorCodes.StageFailed, "not yet") : Done());
        var id = await _cluster.RunAsync(Pipeline(Stage("a"), Stage("other"), Stage("b", "a"), Stage("c", "b")));
        var failed = await _cluster.EndOfAsync(id);
        foreach (var stage in new[] { "a", "b", "other" })
        {
            _cluster.Fingerprints.Lost[failed.Of(stage).Outputs["out"].Dataset!.Id] = true;
        }

        broken = false;
        await Grain(id).RetryAsync();
        var ended = await _cluster.EndOfAsync(id);
        Assert.Equal(RunStatus.Succeeded, ended.Status);
        Assert.Equal((2, 2, 2, 1), (Executor.Count("a"), Executor.Count("b"), Executor.Count("c"), Executor.Count("other")));
        Assert.NotEqual(failed.Of("b").Outputs["out"], ended.Of("b").Outputs["out"]);
        Assert.Equal(ended.Of("b").Outputs["out"].Dataset, Executor.Attempts.Last(static attempt => attempt.Stage == "c").Inputs["b"].Dataset);
    }

    [Fact]
    public async Task What_has_succeeded_or_still_runs_cannot_be_retried()
    {
        var gate = Executor.Hold("a");
        var id = await _cluster.RunAsync(Pipeline(Stage("a")));
        await gate.Started.Task;
        Assert.Contains("has not ended", (await Assert.ThrowsAsync<GristmillException>(() => Grain(id).RetryAsync())).Message, StringComparison.Ordinal);
        gate.Released.SetResult();
        await _cluster.EndOfAsync(id);
        Assert.Contains("has succeeded", (await Assert.ThrowsAsync<GristmillException>(() => Grain(id).RetryAsync())).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<GristmillException>(() => Grain("nobody").RetryAsync())).Code);
    }

    [Fact]
    public async Task A_rerun_has_the_version_and_parameters_of_the_run_but_for_those_given()
    {
        var spec = Pipeline(Stage("a") with { Options = """{"x":{"$param":"x"},"y":{"$param":"y"}}""" }) with
        {
            Parameters = [new ParameterSpec("x", ParameterType.Integer, "1"), new ParameterSpec("y", ParameterType.Integer, "1")],
        };
        var first = await _cluster.EndOfAsync(await _cluster.RunAsync(spec, new RunRequest { Parameters = ImmutableDictionary<string, string>.Empty.Add("x", "7") }));
        var newer = Pipeline(Stage("b")) with { Name = spec.Name };
        await _cluster.EndOfAsync(await _cluster.RunAsync(newer));

        var pipeline = _cluster.Client.GetGrain<IPipelineGrain>(spec.Name);
        var id = await pipeline.StartRunAsync(new RunRequest { RerunOf = first.Id, Parameters = ImmutableDictionary<string, string>.Empty.Add("y", "2") });
        var again = await _cluster.EndOfAsync(id);

        Assert.NotEqual(first.Id, again.Id);
        Assert.Equal((first.PipelineVersion, first.Id), (again.PipelineVersion, again.RerunOf));
        Assert.Equal("""{"x":7,"y":2}""", Executor.Attempts.Last().Options);
        Assert.Equal("a", Assert.Single(again.Stages).Name);
        Assert.NotNull(again.Environment!.Packages["Gristmill"]);
        var error = await Assert.ThrowsAsync<GristmillException>(() => pipeline.StartRunAsync(new RunRequest { RerunOf = "nobody" }));
        Assert.Equal(ErrorCodes.NotFound, error.Code);
    }
}
