namespace Gristmill.Worker.Tests;

public sealed class InProcessStageExecutorTests(InProcessStageExecutorTests.Fixture fixture)
    : StageExecutorConformance(fixture), IClassFixture<InProcessStageExecutorTests.Fixture>
{
    [Fact]
    public async Task Code_of_the_running_program_is_called_where_it_is_loaded()
    {
        // No upload: the very assembly this test runs with, so that a breakpoint in it is hit.
        var call = Mill.Call(new CodeCallOptions { Assembly = "Gristmill.Worker.TestCode", Type = "Gristmill.Worker.TestCode.TestStages", Method = "ProcessId" });
        var result = await Executor.ExecuteAsync(call with { Code = null }, null, Stop);
        Assert.Equal(Environment.ProcessId, result.Outputs["metrics"].Metrics!["value"]);
    }

    public sealed class Fixture : ExecutorFixture
    {
        protected override IStageExecutor Create() =>
            new InProcessStageExecutor(new StageHost(Mill.Objects, Mill.Content, new EngineCatalog(), new StageHostOptions { CheckpointDirectory = Mill.Files.Checkpoints }), tracking: Tracking, files: Mill.Files);
    }
}
