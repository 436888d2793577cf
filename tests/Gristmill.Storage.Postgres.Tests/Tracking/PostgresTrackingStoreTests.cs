using Gristmill.Storage.Conformance;
using Npgsql;

namespace Gristmill.Storage.Postgres;

public sealed class PostgresTrackingStoreTests : TrackingStoreConformance, IAsyncDisposable
{
    private readonly string _connection;
    private readonly PostgresTrackingStore _store;
    private readonly PostgresTrackingStore _other;

    public PostgresTrackingStoreTests(PostgresFixture fixture)
    {
        _connection = fixture.NewSchema();
        // Another text of the same meaning: the other store has connections and a writer of its own, as another silo has.
        (_store, _other) = (New(_connection), New(_connection + ";Maximum Pool Size=7"));
    }

    protected override ITrackingStore Store => _store;

    protected override ITrackingStore OtherStore => _other;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Points_are_neither_lost_nor_doubled_when_connections_are_cut()
    {
        const int batches = 600, each = 40;
        await using var admin = new NpgsqlConnection(_connection);
        await admin.OpenAsync(Cancel);
        // The tables are made before anything is cut.
        await _store.SetTagsAsync("r", new Dictionary<string, string?> { ["made"] = "yes" });
        var appends = new List<Task>();
        for (var i = 0; i < batches; i++)
        {
            var store = i % 2 == 0 ? _store : _other;
            appends.Add(store.AppendAsync(Batch("r", $"stage{i % 2}", i / 2 * each, each)));
            if (i % 10 == 0)
            {
                await CutAsync(admin);
            }
        }

        while (!Task.WhenAll(appends).IsCompleted)
        {
            await CutAsync(admin);
            await Task.WhenAny(Task.WhenAll(appends), Task.Delay(Random.Shared.Next(20, 120), Cancel));
        }

        await Task.WhenAll(appends);
        var series = await _store.GetHistoryAsync(new MetricQuery { RunId = "r", Name = "m", Points = 100_000 }, Cancel);
        Assert.Equal(2, series.Count);
        Assert.All(series, static one => Assert.Equal(Enumerable.Range(0, batches / 2 * each).Select(static i => (long)i), one.Steps));
    }

    [Fact]
    public async Task A_batch_whose_acknowledgement_was_lost_is_known_by_its_mark()
    {
        await _store.AppendAsync(Batch("r", "s", 0, 3));
        await using var admin = new NpgsqlConnection(_connection);
        await admin.OpenAsync(Cancel);
        // The next batch, as if it had been committed by a connection that then broke.
        await using (var mark = new NpgsqlCommand("update writer set batch=batch+1", admin))
        {
            Assert.Equal(1, await mark.ExecuteNonQueryAsync(Cancel));
        }

        await _store.AppendAsync(Batch("r", "s", 3, 3));
        await _store.AppendAsync(Batch("r", "s", 6, 3));

        Assert.Equal([0, 1, 2, 6, 7, 8], (await _store.GetHistoryAsync(new MetricQuery { RunId = "r", Name = "m" }, Cancel)).Single().Steps);
    }

    [Fact]
    public async Task What_is_refused_fails_alone_and_leaves_nothing()
    {
        // An entry of an index has no room for such a path.
        var path = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(6_000));
        var good = Enumerable.Range(0, 10).Select(i => _store.AppendAsync(Batch($"good{i}", "s", 0, 3))).ToList();
        var bad = _store.AppendAsync(Batch("bad", "s", 0, 3) with { Artifacts = [new TrackedArtifact(path, "d", 1, 1)] });
        good.AddRange(Enumerable.Range(0, 10).Select(i => _store.AppendAsync(Batch($"good{i}", "s", 3, 3))));

        Assert.Equal(ErrorCodes.StorageUnavailable, (await Assert.ThrowsAsync<GristmillException>(() => bad)).Code);

        await Task.WhenAll(good);
        Assert.Empty(await _store.ListMetricsAsync("bad", Cancel));
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(6, Assert.Single(await _store.ListMetricsAsync($"good{i}", Cancel)).Points);
        }
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_told_after_the_retries()
    {
        var nowhere = new NpgsqlConnectionStringBuilder(_connection) { Port = 1, Timeout = 2 };
        await using var store = new PostgresTrackingStore(
            new PostgresTrackingOptions { ConnectionString = nowhere.ConnectionString, RetryTimeout = TimeSpan.FromMilliseconds(300) }, TimeProvider.System);

        var error = await Assert.ThrowsAsync<GristmillException>(() => store.AppendAsync(Batch("r", "s", 0, 1)));

        Assert.Equal(ErrorCodes.StorageUnavailable, error.Code);
        Assert.Equal(ErrorCodes.StorageUnavailable, (await Assert.ThrowsAsync<GristmillException>(() => store.GetRunsAsync(["r"], Cancel))).Code);
    }

    [Fact]
    public async Task More_than_may_wait_is_refused()
    {
        await using var small = new PostgresTrackingStore(new PostgresTrackingOptions { ConnectionString = _connection, MaxQueuedBytes = 1 << 20 }, TimeProvider.System);

        Assert.Equal(ErrorCodes.StorageBusy, (await Assert.ThrowsAsync<GristmillException>(() => small.AppendAsync(Batch("r", "s", 0, 100_000)))).Code);
        await small.AppendAsync(Batch("r", "s", 0, 100));
    }

    [Fact]
    public async Task Only_one_silo_makes_the_index_anew_and_another_takes_over_when_it_has_died()
    {
        Assert.Equal(RebuildClaim.Granted, await _store.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Cancel));
        Assert.Equal(RebuildClaim.Taken, await _other.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Cancel));
        Assert.Equal(RebuildClaim.Granted, await _store.ClaimRebuildAsync(TimeSpan.FromMilliseconds(-1), Cancel));
        Assert.Equal(RebuildClaim.Granted, await _other.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Cancel));
        await _other.CompleteRebuildAsync();
        Assert.Equal(RebuildClaim.Complete, await _store.ClaimRebuildAsync(TimeSpan.FromMinutes(10), Cancel));
    }

    [Fact]
    public async Task Two_silos_that_append_remove_and_tag_the_same_runs_in_any_order_do_not_lock_each_other_out()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var (store, random) = (worker % 2 == 0 ? _store : _other, new Random(worker));
            var writes = new List<Task>();
            for (var i = 0; i < 150; i++)
            {
                var run = $"r{random.Next(12)}";
                writes.Add(random.Next(10) switch
                {
                    0 => store.RemoveRunAsync(run),
                    < 3 => store.SetTagsAsync(run, new Dictionary<string, string?> { [$"t{random.Next(30)}"] = random.Next(3) == 0 ? null : "x" }),
                    _ => store.AppendAsync(Batch(run, $"s{worker}", i, 5) with { Parameters = [new($"p{random.Next(40)}", "1")] }),
                });
            }

            await Task.WhenAll(writes);
        }, Cancel)));

        foreach (var i in Enumerable.Range(0, 12))
        {
            await _store.RemoveRunAsync($"r{i}");
        }

        await using var admin = new NpgsqlConnection(_connection);
        await admin.OpenAsync(Cancel);
        await using var left = new NpgsqlCommand(
            "select (select count(*) from run)+(select count(*) from series)+(select count(*) from points)+(select count(*) from metric)+(select count(*) from tag)+(select count(*) from param)", admin);
        Assert.Equal(0L, await left.ExecuteScalarAsync(Cancel));
    }

    [Fact]
    public async Task Tables_of_the_first_version_get_those_of_tracking()
    {
        await using var admin = new NpgsqlConnection(_connection);
        await admin.OpenAsync(Cancel);
        await using (var old = new NpgsqlCommand("""
            create table grain_state(grain text not null, name text not null, store text not null, payload bytea not null, etag bigint not null, primary key(grain, name, store));
            insert into grain_state values('g', 'n', 's', '', 1);
            create table gristmill_schema(version integer not null);
            insert into gristmill_schema values(1);
            """, admin))
        {
            await old.ExecuteNonQueryAsync(Cancel);
        }

        await Task.WhenAll(_store.AppendAsync(Batch("r", "s", 0, 1)), _other.AppendAsync(Batch("r", "s", 1, 1)));

        Assert.Equal(2, Assert.Single(await _store.ListMetricsAsync("r", Cancel)).Points);
        await using var kept = new NpgsqlCommand("select etag from grain_state", admin);
        Assert.Equal(1L, await kept.ExecuteScalarAsync(Cancel));
    }

    private static async Task CutAsync(NpgsqlConnection admin)
    {
        // Whoever is within a transaction on runs, that is: the writers while they write.
        await using var cut = new NpgsqlCommand("""
            select count(pg_terminate_backend(a.pid)) from pg_stat_activity a
            where a.application_name='gristmill' and a.pid in (select l.pid from pg_locks l where l.relation='run'::regclass)
            """, admin);
        await cut.ExecuteNonQueryAsync(Cancel);
    }

    private static TrackBatch Batch(string run, string stage, int first, int count) => new()
    {
        RunId = run,
        Stage = stage,
        Attempt = 1,
        Metrics = [new MetricBlock("m", Enumerable.Range(first, count).Select(static step => new MetricPoint(step, step, step)).ToArray())],
    };

    private static PostgresTrackingStore New(string connection) => new(new PostgresTrackingOptions { ConnectionString = connection }, TimeProvider.System);
}
