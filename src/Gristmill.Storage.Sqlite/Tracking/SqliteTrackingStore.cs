using Gristmill.Storage.Sqlite.Database;

namespace Gristmill.Storage.Sqlite;

/// <summary>
/// Tracking in a SQLite file: points in blocks by series, newest values and what runs are found by in indexed tables. Everything goes through the
/// file's one writer, which commits what has come together while the last commit was flushed.
/// </summary>
internal sealed class SqliteTrackingStore(SqliteTrackingOptions options, TimeProvider time) : ITrackingStore, IDisposable
{
    private readonly SqliteDatabaseLease _database = SqliteDatabase.Acquire(options);
    private readonly Lock _puts = new();
    private Task<bool> _lastPut = Task.FromResult(true);

    public Task AppendAsync(TrackBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Put(session => TrackingWriter.Append(session, batch));
    }

    public Task PutRunAsync(RunProjection run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Put(session => TrackingWriter.PutRun(session, run));
    }

    public Task SetTagsAsync(string runId, IReadOnlyDictionary<string, string?> tags)
    {
        ArgumentNullException.ThrowIfNull(tags);
        return Put(session => TrackingWriter.SetTags(session, runId, tags));
    }

    public async Task RemoveRunAsync(string runId)
    {
        // Some at a time, so that what others write is not held up by a run that logged millions of points.
        while (await Put(session => TrackingWriter.RemoveSome(session, runId)).ConfigureAwait(false))
        {
        }
    }

    public async Task<RunPage> SearchAsync(RunQuery query, CancellationToken cancellationToken = default)
    {
        var question = TrackingReader.Parse(query);
        return await ReadAsync(session => TrackingReader.SearchAsync(session, question, time.GetUtcNow().ToUnixTimeMilliseconds()), cancellationToken).ConfigureAwait(false);
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
        // One silo has the file.
        var complete = await ReadAsync(static session => session.AllAsync("select complete from rebuild", static r => r.GetInt64(0), []), cancellationToken).ConfigureAwait(false);
        return complete[0] == 0 ? RebuildClaim.Granted : RebuildClaim.Complete;
    }

    public Task CompleteRebuildAsync() => Put(static session => session.Execute("update rebuild set complete=1") > 0);

    public void Dispose() => _database.Dispose();

    private Task<bool> Put(Func<SqliteSession, bool> apply)
    {
        // At once, so that the last one put in is the last one waited for.
        lock (_puts)
        {
            return _lastPut = _database.WriteAsync(apply);
        }
    }

    /// <summary>Reads on a thread of the pool, and sees what was put in before: commits are in order, so the last one is enough to wait for.</summary>
    private async Task<T> ReadAsync<T>(Func<SqliteSession, ValueTask<T>> read, CancellationToken cancellationToken)
    {
        Task<bool> put;
        lock (_puts)
        {
            put = _lastPut;
        }

        await ((Task)put).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        // A session answers at once: what it gives is there when the database takes it back.
        return await await Task.Run(() => _database.Read(read), cancellationToken).ConfigureAwait(false);
    }
}
