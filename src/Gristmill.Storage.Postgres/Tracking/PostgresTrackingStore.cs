using Gristmill.Storage.Postgres.Database;

namespace Gristmill.Storage.Postgres;

/// <summary>
/// Tracking in PostgreSQL, shared by all silos of the database: points in blocks by series, newest values and what runs are found by in indexed tables.
/// Everything that is put in goes through one writer of this process, which commits what has come together during the last commit.
/// </summary>
internal sealed class PostgresTrackingStore : ITrackingStore, IAsyncDisposable
{
    private readonly PostgresDatabase _database;
    private readonly TrackingWriter _writer;
    private readonly TimeProvider _time;
    private readonly Lock _puts = new();
    private Task<bool> _lastPut = Task.FromResult(true);
    private int _disposed;

    public PostgresTrackingStore(PostgresTrackingOptions options, TimeProvider time)
    {
        _database = PostgresDatabase.Acquire(options);
        _writer = new TrackingWriter(_database, options);
        _time = time;
    }

    public Task AppendAsync(TrackBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Put(new AppendWrite(batch));
    }

    public Task PutRunAsync(RunProjection run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Put(new RunWrite(run));
    }

    public Task SetTagsAsync(string runId, IReadOnlyDictionary<string, string?> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        return Put(new TagsWrite(runId, tags));
    }

    public async Task RemoveRunAsync(string runId)
    {
        // Some at a time, so that what others write is not held up by a run that logged millions of points.
        while (await Put(new RemoveWrite(runId)).ConfigureAwait(false))
        {
        }
    }

    public Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken = default)
    {
        RunSearchQuestion question;
        try
        {
            question = TrackingReader.Parse(query);
        }
        catch (GristmillException e)
        {
            return Task.FromException<RunPage>(e);
        }

        return ReadAsync(session => TrackingReader.SearchAsync(session, question, _time.GetUtcNow().ToUnixTimeMilliseconds()), cancellationToken);
    }

    public Task<IReadOnlyList<RunRecord>> GetRunsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken = default) =>
        ReadAsync(session => TrackingReader.GetRunsAsync(session, ids), cancellationToken);

    public Task<IReadOnlyList<MetricLatest>> ListMetricsAsync(string runId, CancellationToken cancellationToken = default) =>
        ReadAsync(session => TrackingReader.ListMetricsAsync(session, runId), cancellationToken);

    public Task<IReadOnlyList<MetricSeries>> GetHistoryAsync(MetricQuery query, CancellationToken cancellationToken = default)
    {
        TrackingReader.Check(query);
        return ReadAsync(session => SeriesReader.ReadAsync(session, query), cancellationToken);
    }

    public Task<IReadOnlyList<TrackedArtifact>> ListArtifactsAsync(string runId, CancellationToken cancellationToken = default) =>
        ReadAsync(session => TrackingReader.ListArtifactsAsync(session, runId), cancellationToken);

    public async Task<RebuildClaim> ClaimRebuildAsync(TimeSpan lease, CancellationToken cancellationToken = default)
    {
        // By the server's clock, which is the same for all.
        await _database.ExecuteAsync("""
            insert into rebuild(one, complete, owner, until) values(true, false, $1, cast(extract(epoch from clock_timestamp())*1000 as bigint)+$2)
            on conflict(one) do update set owner=excluded.owner, until=excluded.until
            where not rebuild.complete and (rebuild.owner=excluded.owner or rebuild.until<cast(extract(epoch from clock_timestamp())*1000 as bigint))
            """, _writer.Id, (long)lease.TotalMilliseconds).ConfigureAwait(false);
        var (complete, owner) = (await _database.ReadAsync("select complete, owner from rebuild", static r => (r.GetBoolean(0), r.GetInt64(1))).ConfigureAwait(false))[0];
        return complete ? RebuildClaim.Complete : owner == _writer.Id ? RebuildClaim.Granted : RebuildClaim.Taken;
    }

    public Task CompleteRebuildAsync() => _database.ExecuteAsync(
        "insert into rebuild(one, complete, owner, until) values(true, true, $1, 0) on conflict(one) do update set complete=true", _writer.Id);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _writer.DisposeAsync().ConfigureAwait(false);
            await _database.DisposeAsync().ConfigureAwait(false);
        }
    }

    private Task<bool> Put(TrackWrite write)
    {
        // At once, so that the last one put in is the last one waited for.
        lock (_puts)
        {
            return _lastPut = _writer.WriteAsync(write);
        }
    }

    /// <summary>Sees what was put in before: commits are in order, so the last one is enough to wait for.</summary>
    private async Task<T> ReadAsync<T>(Func<PostgresTrackingSession, ValueTask<T>> read, CancellationToken cancellationToken)
    {
        Task put;
        lock (_puts)
        {
            put = _lastPut;
        }

        await put.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var session = await PostgresTrackingSession.OpenAsync(_database, cancellationToken).ConfigureAwait(false);
                return await read(session).ConfigureAwait(false);
            }
            catch (Exception e) when (attempt == 1 && PostgresErrors.IsLost(e))
            {
                // One of the pool that the server had closed; the next is a new one.
            }
            catch (Exception e) when (PostgresErrors.Describe(e, _database.Name) is GristmillException described && described != e)
            {
                throw described;
            }
        }
    }
}
