namespace Gristmill.Client;

public sealed class TrackTests
{
    [Fact]
    public void Outside_a_stage_it_says_so() =>
        Assert.Contains("no stage", Assert.Throws<GristmillException>(() => Track.Metric("loss", 1)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_stage_as_a_plain_method_is_tested_with_a_recorder()
    {
        using (var log = new TrackRecorder())
        {
            await TrainAsync();
            Assert.Equal([(0L, 1.0), (1L, 0.5)], log.Metrics["loss"].Select(static p => (p.Step, p.Value)));
            Assert.Equal("0.1", log.Parameters["rate"]);
            Assert.Equal("x", log.Tags["team"]);
            Assert.Equal("<svg/>"u8, log.Artifacts["figures/roc.svg"]);
        }

        Assert.Throws<GristmillException>(() => Track.Tag("team", "x"));
    }

    [Fact]
    public async Task Attempts_side_by_side_do_not_see_each_other()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            using var log = new TrackRecorder();
            for (var step = 0; step < 100; step++)
            {
                await Task.Yield();
                Track.Metric("loss", i);
            }

            Assert.Equal(100, log.Metrics["loss"].Count);
            Assert.All(log.Metrics["loss"], point => Assert.Equal(i, point.Value));
        })));
    }

    private static async Task TrainAsync()
    {
        Track.Param("rate", 0.1);
        Track.Tag("team", "x");
        await Task.Run(() => Track.Metric("loss", 1));
        var thread = new Thread(() => Track.Metric("loss", 0.5));
        thread.Start();
        thread.Join();
        Track.Figure("roc", "<svg/>");
        await Track.FlushAsync();
    }
}
