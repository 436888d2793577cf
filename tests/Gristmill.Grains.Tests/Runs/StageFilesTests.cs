using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.ScriptedExecutor;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

/// <summary>What becomes of the logs and checkpoints of stages.</summary>
public sealed class StageFilesTests : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster;
    private readonly string _stage = $"s{Guid.NewGuid():N}";

    public StageFilesTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
        _cluster.Files.Loud[_stage] = true;
    }

    private StageSpec Code => Stage(_stage) with { Operation = StageOperations.Code, Retry = new RetryPolicy { MaxAttempts = 3, Backoff = TimeSpan.Zero } };

    [Fact]
    public async Task The_log_of_each_attempt_is_kept_and_found()
    {
        _cluster.Executor.On(_stage, static request => request.Attempt < 3 ? throw new GristmillException(ErrorCodes.HeartbeatTimeout, "silent") : Done());
        var run = await _cluster.EndOfAsync(await _cluster.RunAsync(Pipeline(Code)));
        Assert.Equal((RunStatus.Succeeded, 3), (run.Status, run.Of(_stage).Attempts));
        var grain = _cluster.Client.GetGrain<IStageGrain>($"{run.Id}/{_stage}");
        Assert.Equal($"{_stage}-1", (await grain.ReadLogAsync(1, 0, 100))!.Text);
        Assert.Equal($"{_stage}-3", (await grain.ReadLogAsync(0, 0, 100))!.Text);
        Assert.Equal([new StageOrigin(run.Id, _stage)], _cluster.Files.Removed.Where(origin => origin.Stage == _stage));
    }

    [Fact]
    public async Task A_running_attempts_log_is_read_live()
    {
        var gate = _cluster.Executor.Hold(_stage);
        var id = await _cluster.RunAsync(Pipeline(Code));
        await gate.Started.Task;
        Assert.Equal("live", (await _cluster.Client.GetGrain<IStageGrain>($"{id}/{_stage}").ReadLogAsync(0, 0, 100))!.Text);
        gate.Released.SetResult();
        await _cluster.EndOfAsync(id);
    }

    [Fact]
    public async Task A_stage_that_failed_keeps_its_checkpoint_for_the_retry()
    {
        var broken = true;
        _cluster.Executor.On(_stage, _ => broken ? throw new GristmillException(ErrorCodes.StageFailed, "no") : Done());
        var id = await _cluster.RunAsync(Pipeline(Code));
        await _cluster.EndOfAsync(id);
        Assert.DoesNotContain(_cluster.Files.Removed, origin => origin.Stage == _stage);
        broken = false;
        await _cluster.Client.GetGrain<IRunGrain>(id).RetryAsync();
        await _cluster.EndOfAsync(id);
        Assert.Contains(_cluster.Files.Removed, origin => origin.Stage == _stage);
        Assert.Equal($"{_stage}-1", (await _cluster.Client.GetGrain<IStageGrain>($"{id}/{_stage}").ReadLogAsync(1, 0, 100))!.Text);
    }
}
