using System.Runtime.InteropServices;

namespace Gristmill.Storage;

/// <summary>Reads histories of metrics, block by block: what is held is what is answered, however long the history.</summary>
internal static class SeriesReader
{
    public static async ValueTask<IReadOnlyList<MetricSeries>> ReadAsync(ITrackingSession session, MetricQuery query)
    {
        var (run, name) = (session.Dialect.Placeholder(0), session.Dialect.Placeholder(1));
        var rows = await session.AllAsync($"""
            select s.n, st.text, k.text, s.attempt, s.min_step from series s
            join name st on st.n=s.stage join name k on k.n=s.key
            where s.run=(select n from run where id={run}) and (k.text={name} or st.text||'.'||k.text={name})
            order by st.text, k.text, s.attempt
            """, r => new Row(r.GetInt64(0), session.Dialect.Text(r, 1), session.Dialect.Text(r, 2), r.GetInt32(3), r.GetInt64(4)), [query.RunId, query.Name]).ConfigureAwait(false);
        var series = new List<MetricSeries>();
        foreach (var attempts in rows.Where(row => query.Attempt is null || row.Attempt == query.Attempt).GroupBy(static row => (row.Stage, row.Key)))
        {
            series.Add(await ReadAsync(session, query, [.. attempts]).ConfigureAwait(false));
        }

        return series;
    }

    private static async ValueTask<MetricSeries> ReadAsync(ITrackingSession session, MetricQuery query, List<Row> attempts)
    {
        var where = $"series={session.Dialect.Placeholder(0)} and max_step>={session.Dialect.Placeholder(1)} and min_step<{session.Dialect.Placeholder(2)}";
        // An attempt's points hold up to where a later one begins: that went on from a checkpoint, or did all again.
        var parts = new List<Part>();
        var cut = long.MaxValue;
        foreach (var row in Enumerable.Reverse(attempts))
        {
            parts.AddRange((await session.AllAsync($"select cast(sum(points) as bigint), min(min_step), max(max_step) from points where {where}",
                r => r.IsDBNull(0) ? null : new Part(row.Series, cut, r.GetInt64(0), r.GetInt64(1), r.GetInt64(2)), [row.Series, query.From, cut]).ConfigureAwait(false)).OfType<Part>());
            cut = Math.Min(cut, row.MinStep);
        }

        parts.Reverse();
        var sampler = new PointSampler(
            query.Points,
            parts.Sum(static part => part.Points),
            Math.Max(query.From, parts.Select(static part => part.MinStep).DefaultIfEmpty().Min()),
            parts.Select(static part => part.MaxStep).DefaultIfEmpty().Max());
        foreach (var part in parts)
        {
            await session.AllAsync($"select data from points where {where} order by block", r =>
            {
                foreach (ref readonly var point in MemoryMarshal.Cast<byte, MetricPoint>(r.GetFieldValue<byte[]>(0)))
                {
                    // The last step there can be is one that nothing cuts off.
                    if (point.Step >= query.From && (point.Step < part.Cut || part.Cut == long.MaxValue))
                    {
                        sampler.Add(point);
                    }
                }

                return 0;
            }, [part.Series, query.From, part.Cut]).ConfigureAwait(false);
        }

        var points = sampler.Points();
        return new MetricSeries
        {
            Name = attempts[0].Key,
            Stage = attempts[0].Stage,
            Attempt = attempts[^1].Attempt,
            Total = sampler.Total,
            Steps = [.. points.Select(static point => point.Step)],
            Times = [.. points.Select(static point => point.Time)],
            Values = [.. points.Select(static point => point.Value)],
        };
    }

    private sealed record Row(long Series, string Stage, string Key, int Attempt, long MinStep);

    private sealed record Part(long Series, long Cut, long Points, long MinStep, long MaxStep);
}
