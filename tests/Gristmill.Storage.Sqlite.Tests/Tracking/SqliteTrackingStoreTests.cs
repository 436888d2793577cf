using Gristmill.Storage.Conformance;

namespace Gristmill.Storage.Sqlite.Tracking;

public sealed class SqliteTrackingStoreTests : TrackingStoreConformance, IDisposable
{
    private readonly TempDatabase _temp = new();
    private readonly SqliteTrackingStore _store;
    private readonly SqliteTrackingStore _other;

    public SqliteTrackingStoreTests()
    {
        // Under another path, so that it has a writer of its own, as another process has.
        Directory.CreateDirectory(Path.GetDirectoryName(_temp.File)!);
        var link = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(_temp.File))!, "link");
        Directory.CreateSymbolicLink(link, Path.GetDirectoryName(_temp.File)!);
        _store = New(_temp.File);
        _other = New(Path.Combine(link, Path.GetFileName(_temp.File)));
    }

    protected override ITrackingStore Store => _store;

    protected override ITrackingStore OtherStore => _other;

    public void Dispose()
    {
        _store.Dispose();
        _other.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task What_was_appended_survives_closing_and_opening_the_file()
    {
        await _store.AppendAsync(new TrackBatch { RunId = "r", Stage = "s", Attempt = 1, Metrics = [new MetricBlock("m", new[] { new MetricPoint(1, 2, 3) })] });
        _store.Dispose();
        _other.Dispose();

        using var again = New(_temp.File);
        var latest = Assert.Single(await again.ListMetricsAsync("r", TestContext.Current.CancellationToken));
        Assert.Equal((1L, 3.0, 1L), (latest.Step, latest.Value, latest.Points));
    }

    [Fact]
    public async Task A_batch_that_the_disk_has_no_room_for_is_refused_whole()
    {
        using var temp = new TempDatabase();
        using var small = new SqliteTrackingStore(new SqliteTrackingOptions { Path = temp.File, MaxBytes = 400_000 }, TimeProvider.System);
        var points = new MetricPoint[50_000];

        var error = await Assert.ThrowsAsync<GristmillException>(() => small.AppendAsync(
            new TrackBatch { RunId = "r", Stage = "s", Attempt = 1, Tags = [new("a", "b")], Metrics = [new MetricBlock("m", points)] }));

        Assert.Equal(ErrorCodes.StoreFull, error.Code);
        Assert.Empty(await small.ListMetricsAsync("r", TestContext.Current.CancellationToken));
    }

    private static SqliteTrackingStore New(string path) => new(new SqliteTrackingOptions { Path = path }, TimeProvider.System);
}
