using System.Collections.Immutable;
using Gristmill.Storage.Sqlite.Database;
using Microsoft.Data.Sqlite;

namespace Gristmill.Storage.Sqlite;

/// <summary>
/// Tracking in a SQLite file: points in blocks by series, newest values and what runs are found by in indexed tables. Everything goes through the
/// file's one writer, which commits what has come together while the last commit was flushed.
/// </summary>
internal sealed class SqliteTrackingStore(SqliteTrackingOptions options, TimeProvider time) : ITrackingStore, IDisposable
{
    private readonly SqliteDatabaseLease _database = SqliteDatabase.Acquire(options);
    private Task _lastPut = Task.CompletedTask;

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
        ArgumentNullException.ThrowIfNull(query);
        if (query.Limit is < 1 or > RunQuery.MaxLimit)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"limit is {query.Limit}.", $"Use 1 to {RunQuery.MaxLimit}, and page.");
        }

        var (filter, order) = (RunFilter.Parse(query.Filter), RunOrder.Parse(query.Order));
        var after = PageToken.Read(query);
        return await ReadAsync(session =>
        {
            var (runs, next) = RunSearch.Run(session, query, filter, order, after, time.GetUtcNow().ToUnixTimeMilliseconds());
            return new RunPage([.. runs.Select(run => Record(session, run)!)], next);
        }, cancellationToken).ConfigureAwait(false);
    }

    public Task<IReadOnlyList<RunRecord>> GetRunsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<RunRecord>>(session =>
        [
            .. ids.Select(id => session.First("select n from run where id=@p0", static r => r.GetInt64(0), id))
                .Select(run => run == 0 ? null : Record(session, run)).OfType<RunRecord>(),
        ], cancellationToken);

    public Task<IReadOnlyList<MetricLatest>> ListMetricsAsync(string runId, CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<MetricLatest>>(session => session.All("""
            select k.text, st.text, m.attempt, m.value, m.step, m.time,
                (select coalesce(sum(s.points), 0) from series s where s.run=m.run and s.key=m.key and s.stage=m.stage)
            from metric m join name k on k.n=m.key join name st on st.n=m.stage
            where m.run=(select n from run where id=@p0) and m.name<>m.key order by st.text, k.text
            """, static r => new MetricLatest
        {
            Name = r.GetString(0),
            Stage = r.GetString(1),
            Attempt = r.GetInt32(2),
            Value = Number(r, 3),
            Step = r.GetInt64(4),
            Time = DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(5)),
            Points = r.GetInt64(6),
        }, runId), cancellationToken);

    public Task<IReadOnlyList<MetricSeries>> GetHistoryAsync(MetricQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return query.Points is < 1 or > MetricQuery.MaxPoints
            ? throw new GristmillException(ErrorCodes.Invalid, $"points is {query.Points}.", $"Use 1 to {MetricQuery.MaxPoints}.")
            : ReadAsync(session => SeriesReader.Read(session, query), cancellationToken);
    }

    public Task<IReadOnlyList<TrackedArtifact>> ListArtifactsAsync(string runId, CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<TrackedArtifact>>(session => session.All("""
            select a.path, a.digest, a.bytes, a.time, st.text from artifact a join name st on st.n=a.stage
            where a.run=(select n from run where id=@p0) order by a.path
            """, static r => new TrackedArtifact(r.GetString(0), r.GetString(1), r.GetInt64(2), r.GetInt64(3), r.GetString(4)), runId), cancellationToken);

    public Task<bool> IsEmptyAsync(CancellationToken cancellationToken = default) =>
        ReadAsync(session => session.First("select 1 from run where sequence>=0 limit 1", static r => r.GetInt64(0)) == 0, cancellationToken);

    public void Dispose() => _database.Dispose();

    private Task<bool> Put(Func<SqliteSession, bool> apply)
    {
        var put = _database.WriteAsync(apply);
        Volatile.Write(ref _lastPut, put);
        return put;
    }

    /// <summary>Reads on a thread of the pool, and sees what was put in before: commits are in order, so the last one is enough to wait for.</summary>
    private async Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken)
    {
        await Volatile.Read(ref _lastPut).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return await Task.Run(() => _database.Read(read), cancellationToken).ConfigureAwait(false);
    }

    private static RunRecord? Record(SqliteSession session, long run)
    {
        var record = session.First("select id, pipeline, version, status, created, started, ended, error, partition, trigger from run where n=@p0 and sequence>=0", static r => new RunRecord
        {
            Id = r.GetString(0),
            Pipeline = r.GetString(1),
            PipelineVersion = r.IsDBNull(2) ? null : r.GetString(2),
            Status = (RunStatus)r.GetInt32(3),
            Created = DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(4)),
            Started = r.IsDBNull(5) ? null : DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(5)),
            Ended = r.IsDBNull(6) ? null : DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(6)),
            Error = r.IsDBNull(7) ? null : r.GetString(7),
            Partition = r.IsDBNull(8) ? null : r.GetString(8),
            Trigger = r.IsDBNull(9) ? null : r.GetString(9),
        }, run);
        return record is null ? null : record with
        {
            Parameters = Values(session, "select k.text, x.value from param x join name k on k.n=x.name where x.run=@p0", run),
            Tags = Values(session, "select k.text, x.value from tag x join name k on k.n=x.name where x.run=@p0", run),
            Metrics = session.All("select k.text, x.value from metric x join name k on k.n=x.name where x.run=@p0 and x.name<>x.key",
                static r => KeyValuePair.Create(r.GetString(0), Number(r, 1)), run).ToImmutableDictionary(StringComparer.Ordinal),
        };
    }

    private static ImmutableDictionary<string, string> Values(SqliteSession session, string sql, long run) =>
        session.All(sql, static r => KeyValuePair.Create(r.GetString(0), r.GetString(1)), run).ToImmutableDictionary(StringComparer.Ordinal);

    // NaN is kept as null.
    private static double Number(SqliteDataReader row, int column) => row.IsDBNull(column) ? double.NaN : row.GetDouble(column);
}
