using System.Runtime.InteropServices;
using Gristmill.Storage.Sqlite.Database;

namespace Gristmill.Storage.Sqlite;

/// <summary>Reads histories of metrics, block by block: what is held is what is answered, however long the history.</summary>
internal static class SeriesReader
{
    private const string Find = """
        select s.n, st.text, k.text, s.attempt, s.min_step from series s
        join name st on st.n=s.stage join name k on k.n=s.key
        where s.run=(select n from run where id=@p0) and (k.text=@p1 or st.text||'.'||k.text=@p1)
        order by st.text, k.text, s.attempt
        """;

    private const string Extent = """
        select sum(points), min(min_step), max(max_step) from points where series=@p0 and max_step>=@p1 and min_step<@p2
        """;

    public static IReadOnlyList<MetricSeries> Read(SqliteSession session, MetricQuery query)
    {
        var rows = session.All(Find,
            static r => new Row(r.GetInt64(0), r.GetString(1), r.GetString(2), r.GetInt32(3), r.GetInt64(4)), query.RunId, query.Name);
        return
        [
            .. from row in rows
               where query.Attempt is null || row.Attempt == query.Attempt
               group row by (row.Stage, row.Key) into attempts
               select Read(session, query, [.. attempts]),
        ];
    }

    private static MetricSeries Read(SqliteSession session, MetricQuery query, List<Row> attempts)
    {
        // An attempt's points hold up to where a later one begins: that went on from a checkpoint, or did all again.
        var parts = new List<Part>();
        var cut = long.MaxValue;
        foreach (var row in Enumerable.Reverse(attempts))
        {
            var part = session.First(Extent, r => r.IsDBNull(0) ? null : new Part(row.Series, cut, r.GetInt64(0), r.GetInt64(1), r.GetInt64(2)), row.Series, query.From, cut);
            parts.AddRange(part is null ? [] : [part]);
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
            session.All("select data from points where series=@p0 and max_step>=@p1 and min_step<@p2 order by block", r =>
            {
                foreach (ref readonly var point in MemoryMarshal.Cast<byte, MetricPoint>((byte[])r.GetValue(0)))
                {
                    // The last step there can be is one that nothing cuts off.
                    if (point.Step >= query.From && (point.Step < part.Cut || part.Cut == long.MaxValue))
                    {
                        sampler.Add(point);
                    }
                }

                return 0;
            }, part.Series, query.From, part.Cut);
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
