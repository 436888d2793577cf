using System.Diagnostics;

namespace Gristmill.Hosting;

/// <summary>Arrow's own C++ client, through pyarrow, where a Python has it: "mill bench setup" makes one, and GRISTMILL_PYARROW names another.</summary>
public sealed class FlightPyarrowTests(FlightServer server) : IClassFixture<FlightServer>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private static string Python => Environment.GetEnvironmentVariable("GRISTMILL_PYARROW") is { Length: > 0 } named ? named
        : Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_HOME") ?? Directory.GetCurrentDirectory(), "artifacts/bench/ray/bin/python");

    [Fact]
    public async Task Arrows_own_client_reads_writes_and_queries()
    {
        Assert.SkipUnless(File.Exists(Python), $"There is no Python with pyarrow at {Python}: run 'mill bench setup', or name one in GRISTMILL_PYARROW.");
        using var stream = server.Store.CreateStream(FlightStreamTests.Schema);
        await stream.WriteAsync(FlightStreamTests.Words("a", "b", "a"), TestContext.Current.CancellationToken);
        await stream.WriteAsync(FlightStreamTests.Words("c"), TestContext.Current.CancellationToken);
        stream.Complete();
        var start = new ProcessStartInfo(Python, [Path.Combine(AppContext.BaseDirectory, "Flight", "flight_pyarrow.py"), server.Address, stream.Id]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(s_patience, TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await errors);
        Assert.Equal("ok", (await output).TrimEnd());
        await server.QuietAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, server.Store.LiveLeases);
    }
}
