using System.Collections.Immutable;
using System.Data.Common;

namespace Gristmill.Storage;

/// <summary>What a tracking store is asked, over the tables that every database has alike.</summary>
internal static class TrackingReader
{
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static RunSearchQuestion Parse(RunQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return query.Limit is < 1 or > RunQuery.MaxLimit
            ? throw new GristmillException(ErrorCodes.Invalid, $"limit is {query.Limit}.", $"Use 1 to {RunQuery.MaxLimit}, and page.")
            : new RunSearchQuestion(query, RunFilter.Parse(query.Filter), RunOrder.Parse(query.Order), PageToken.Read(query));
    }

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static void Check(MetricQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Points is < 1 or > MetricQuery.MaxPoints)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"points is {query.Points}.", $"Use 1 to {MetricQuery.MaxPoints}.");
        }
    }

    /// <param name="session">The connection.</param>
    /// <param name="question">What is asked.</param>
    /// <param name="now">Milliseconds since 1970: the end of what still runs.</param>
    public static async ValueTask<RunPage> SearchAsync(ITrackingSession session, RunSearchQuestion question, long now)
    {
        var (runs, next) = await RunSearch.FindAsync(session, question.Query, question.Filter, question.Order, question.After, now).ConfigureAwait(false);
        var records = await RecordsAsync(session, runs).ConfigureAwait(false);
        return new RunPage([.. runs.Where(records.ContainsKey).Select(run => records[run])], next);
    }

    public static async ValueTask<IReadOnlyList<RunRecord>> GetRunsAsync(ITrackingSession session, IReadOnlyList<string> ids)
    {
        var records = new Dictionary<string, RunRecord>(StringComparer.Ordinal);
        foreach (var some in ids.Distinct(StringComparer.Ordinal).Chunk(RunQuery.MaxLimit))
        {
            var places = string.Join(',', some.Select((_, i) => session.Dialect.Placeholder(i)));
            var runs = await session.AllAsync($"select n from run where id in ({places})", static r => r.GetInt64(0), some).ConfigureAwait(false);
            foreach (var record in (await RecordsAsync(session, runs).ConfigureAwait(false)).Values)
            {
                records.Add(record.Id, record);
            }
        }

        return [.. ids.Where(records.ContainsKey).Select(id => records[id])];
    }

    public static async ValueTask<IReadOnlyList<MetricLatest>> ListMetricsAsync(ITrackingSession session, string runId) => await session.AllAsync($"""
        select k.text, st.text, m.attempt, m.value, m.step, m.time,
            (select cast(coalesce(sum(s.points), 0) as bigint) from series s where s.run=m.run and s.key=m.key and s.stage=m.stage)
        from metric m join name k on k.n=m.key join name st on st.n=m.stage
        where m.run=(select n from run where id={session.Dialect.Placeholder(0)}) and m.name<>m.key order by st.text, k.text
        """, r => new MetricLatest
    {
        Name = session.Dialect.Text(r, 0),
        Stage = session.Dialect.Text(r, 1),
        Attempt = r.GetInt32(2),
        Value = Number(r, 3),
        Step = r.GetInt64(4),
        Time = DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(5)),
        Points = r.GetInt64(6),
    }, [runId]).ConfigureAwait(false);

    public static async ValueTask<IReadOnlyList<TrackedArtifact>> ListArtifactsAsync(ITrackingSession session, string runId) => await session.AllAsync($"""
        select a.path, a.digest, a.bytes, a.time, st.text from artifact a join name st on st.n=a.stage
        where a.run=(select n from run where id={session.Dialect.Placeholder(0)}) order by a.path
        """, r => new TrackedArtifact(session.Dialect.Text(r, 0), session.Dialect.Text(r, 1), r.GetInt64(2), r.GetInt64(3), session.Dialect.Text(r, 4)), [runId]).ConfigureAwait(false);

    /// <summary>Runs by their numbers, without those that no grain has told of.</summary>
    private static async ValueTask<Dictionary<long, RunRecord>> RecordsAsync(ITrackingSession session, List<long> runs)
    {
        if (runs.Count == 0)
        {
            return [];
        }

        var records = (await AllAsync("select n, id, pipeline, version, status, created, started, ended, error, partition, trigger from run where sequence>=0 and", "n", runs, r => (Run: r.GetInt64(0), Record: new RunRecord
        {
            Id = session.Dialect.Text(r, 1),
            Pipeline = session.Dialect.Text(r, 2),
            PipelineVersion = Text(r, 3),
            Status = (RunStatus)r.GetInt32(4),
            Created = DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(5)),
            Started = Time(r, 6),
            Ended = Time(r, 7),
            Error = Text(r, 8),
            Partition = Text(r, 9),
            Trigger = Text(r, 10),
        })).ConfigureAwait(false)).ToDictionary(static row => row.Run, static row => row.Record);
        var parameters = await ValuesAsync("param", "", r => session.Dialect.Text(r, 2)).ConfigureAwait(false);
        var tags = await ValuesAsync("tag", "", r => session.Dialect.Text(r, 2)).ConfigureAwait(false);
        var metrics = await ValuesAsync("metric", " x.name<>x.key and", static r => Number(r, 2)).ConfigureAwait(false);
        // Looked up once, not for each value: the runs of a page have few names among them.
        long[] used = [.. Names(parameters).Concat(Names(tags)).Concat(Names(metrics)).Distinct()];
        var names = used.Length == 0 ? [] : (await AllAsync("select n, text from name where", "n", used, r => (Number: r.GetInt64(0), Text: session.Dialect.Text(r, 1))).ConfigureAwait(false))
            .ToDictionary(static row => row.Number, static row => row.Text);
        foreach (var (run, record) in records)
        {
            records[run] = record with { Parameters = Of(parameters, run), Tags = Of(tags, run), Metrics = Of(metrics, run) };
        }

        return records;

        ImmutableDictionary<string, T> Of<T>(ILookup<long, (long Name, T Value)> values, long run) => values[run].ToImmutableDictionary(value => names[value.Name], static value => value.Value, StringComparer.Ordinal);

        async ValueTask<ILookup<long, (long Name, T Value)>> ValuesAsync<T>(string table, string where, Func<DbDataReader, T> value) =>
            (await AllAsync($"select x.run, x.name, x.value from {table} x where{where}", "x.run", runs,
                r => (Run: r.GetInt64(0), Name: r.GetInt64(1), Value: value(r))).ConfigureAwait(false)).ToLookup(static row => row.Run, static row => (row.Name, row.Value));

        ValueTask<List<T>> AllAsync<T>(string sql, string column, IReadOnlyList<long> numbers, Func<DbDataReader, T> row)
        {
            var arguments = new List<object>();
            return session.AllAsync($"{sql} {session.Dialect.IsAnyOf(column, numbers, Argument)}", row, arguments);

            string Argument(object value)
            {
                arguments.Add(value);
                return session.Dialect.Placeholder(arguments.Count - 1);
            }
        }

        string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : session.Dialect.Text(row, column);
    }

    private static IEnumerable<long> Names<T>(ILookup<long, (long Name, T Value)> values) => values.SelectMany(static run => run).Select(static value => value.Name);

    private static DateTimeOffset? Time(DbDataReader row, int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));

    // NaN is kept as null.
    private static double Number(DbDataReader row, int column) => row.IsDBNull(column) ? double.NaN : row.GetDouble(column);
}

/// <summary>A search that was understood.</summary>
internal sealed record RunSearchQuestion(RunQuery Query, RunCondition? Filter, RunOrder Order, PageToken? After);
