namespace Gristmill.Worker.Tests;

public sealed class WorkerExitTests
{
    [Theory]
    [InlineData(137, "SIGKILL")]
    [InlineData(139, "SIGSEGV")]
    [InlineData(134, "SIGABRT")]
    [InlineData(135, "SIGBUS")]
    [InlineData(143, "SIGTERM")]
    [InlineData(0, null)]
    [InlineData(3, null)]
    [InlineData(128, null)]
    [InlineData(255, null)]
    public void Exit_codes_above_128_are_signals(int code, string? signal) => Assert.Equal(signal, new WorkerExit(code).Signal);
}
