using Gristmill;
using Gristmill.Engines;
using Gristmill.Testing;

namespace Parcels;

/// <summary>The pipeline without its files, without the internet, and with time that passes when told to.</summary>
public sealed class ParcelPipelineTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync();
        // Four hundred parcels in place of years of them: those that go far are late.
        _cluster.Substitute("raw", Enumerable.Range(0, 400).Select(i => new
        {
            shipped = new DateTime(2025, 4, 1).AddDays(i % 60),
            carrier = i % 2 == 0 ? "Snail" : "Hare",
            distance = i % 7 == 0 ? (int?)null : i,
            late = i > 200,
        }));
        // In place of the service on the internet: it never rains.
        _cluster.Replace(ParcelPipeline.FetchWeather, (Dataset rows, StageContext stage) => stage.Table(
            rows.ReadRows().Select(row => DateOnly.FromDateTime(row.Get<DateTime>("shipped"))).Distinct().Select(day => new { day, rain = 0.0 })));
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_good_model_is_registered()
    {
        var run = (await _cluster.RunAsync(ParcelPipeline.Create())).EnsureSucceeded();

        Assert.True(run["quality"].Metrics["auc"] > 0.9);
        Assert.NotNull(await _cluster.GetModelAsync("parcel-late"));
    }

    [Fact]
    public async Task A_poor_model_is_not()
    {
        var run = (await _cluster.RunAsync(ParcelPipeline.Create(), ("at-least", 1.1))).EnsureSucceeded();

        Assert.Equal(StageStatus.Skipped, run["register"].Status);
        Assert.Null(await _cluster.GetModelAsync("parcel-late"));
    }

    [Fact]
    public async Task Parcels_without_a_distance_are_left_out()
    {
        var run = await _cluster.RunAsync(ParcelPipeline.Create());

        Assert.All(run["rows"].Rows(), row => Assert.NotNull(row["distance"]));
    }

    [Fact]
    public async Task The_weather_service_may_fail_twice()
    {
        var before = _cluster.Time.GetUtcNow();
        _cluster.FailOn("weather", attempts: 2, new HttpRequestException("503"));

        var run = (await _cluster.RunAsync(ParcelPipeline.Create())).EnsureSucceeded();

        Assert.Equal(3, run["weather"].Attempts);
        // Two minutes, then four; the test takes seconds.
        Assert.InRange(_cluster.Time.GetUtcNow() - before, TimeSpan.FromMinutes(6), TimeSpan.FromMinutes(7));
    }

    [Fact]
    public async Task If_it_fails_for_good_the_run_fails_and_nothing_is_registered()
    {
        _cluster.FailOn("weather", error: new HttpRequestException("503"));

        var run = await _cluster.RunAsync(ParcelPipeline.Create());

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Contains("503", run["weather"].Error!.Message, StringComparison.Ordinal);
        Assert.Null(await _cluster.GetModelAsync("parcel-late"));
    }
}
