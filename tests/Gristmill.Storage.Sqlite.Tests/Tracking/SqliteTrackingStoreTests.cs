using Gristmill.Storage.Conformance;
using Microsoft.Data.Sqlite;

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

    [Fact]
    public async Task A_file_of_the_first_version_gets_the_columns_it_lacks()
    {
        using var temp = new TempDatabase();
        Directory.CreateDirectory(Path.GetDirectoryName(temp.File)!);
        await using (var old = new SqliteConnection($"Data Source={temp.File};Pooling=False"))
        {
            await old.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = old.CreateCommand();
            command.CommandText = """
                create table run(
                    n integer primary key, id text not null unique, sequence integer not null, pipeline text not null, version text,
                    status integer not null, created integer not null, started integer, ended integer, error text);
                insert into run(id, sequence, pipeline, status, created) values('before', 2, 'p', 2, 1);
                pragma user_version=1;
                """;
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        using (var migrated = New(temp.File))
        {
            await migrated.PutRunAsync(new RunProjection
            {
                Sequence = 0,
                Run = new RunRecord { Id = "after", Pipeline = "p", Status = RunStatus.Pending, Created = DateTimeOffset.UnixEpoch, Partition = "2001-04", Trigger = "nightly" },
            });
        }

        using var again = New(temp.File);
        Assert.Equal(["before"], await FindAsync("partition is null and trigger is null"));
        Assert.Equal(["after"], await FindAsync("partition = '2001-04' and trigger = 'nightly'"));

        async Task<string[]> FindAsync(string filter) =>
            [.. (await again.SearchAsync(new RunQuery { Filter = filter }, TestContext.Current.CancellationToken)).Runs.Select(static run => run.Id)];
    }

    private static SqliteTrackingStore New(string path) => new(new SqliteTrackingOptions { Path = path }, TimeProvider.System);
}
