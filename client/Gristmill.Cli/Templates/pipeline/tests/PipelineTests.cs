using Gristmill;
using Gristmill.Testing;

public sealed class PipelineTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync();
        // Small data in place of the file: those that go far are late, and one has no distance.
        _cluster.Substitute("raw", Enumerable.Range(0, 200).Select(i => new
        {
            shipped = new DateTime(2025, 4, 1).AddDays(i % 60),
            carrier = i % 2 == 0 ? "Snail" : "Hare",
            distance = i == 0 ? null : (int?)i,
            late = i > 100 ? 1 : 0,
        }));
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_good_model_is_registered()
    {
        var run = (await _cluster.RunAsync(MillName.Pipeline)).EnsureSucceeded();

        Assert.Equal(199, run["describe"].Metrics["rows"]);
        Assert.True(run["quality"].Metrics["auc"] > 0.9);
        Assert.NotNull(await _cluster.GetModelAsync("MILL_NAME"));
    }

    [Fact]
    public async Task A_poor_model_is_not()
    {
        var run = (await _cluster.RunAsync(MillName.Pipeline, ("at-least", 1.1))).EnsureSucceeded();

        Assert.Equal(StageStatus.Skipped, run["register"].Status);
        Assert.Null(await _cluster.GetModelAsync("MILL_NAME"));
    }

    [Fact]
    public async Task A_crashed_worker_costs_an_attempt_and_no_more()
    {
        _cluster.CrashOn("trees");

        var run = (await _cluster.RunAsync(MillName.Pipeline)).EnsureSucceeded();

        Assert.Equal(2, run["trees"].Attempts);
    }
}
