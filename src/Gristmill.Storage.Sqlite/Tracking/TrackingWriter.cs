using System.Runtime.InteropServices;
using Gristmill.Storage.Sqlite.Database;

namespace Gristmill.Storage.Sqlite;

/// <summary>
/// The statements that put things in. They run on the database's writer, in a transaction that may be rolled back and tried
/// again: nothing is remembered outside of it.
/// </summary>
internal static class TrackingWriter
{
    /// <summary>Points that a block may grow to by additions; a larger batch makes a block of its own.</summary>
    public const int BlockPoints = 512;

    private const string InsertRun = "insert into run(id, sequence, pipeline, status, created) values(@p0, -1, '', 0, 0) on conflict do nothing";

    private const string UpdateRun = """
        update run set sequence=@p1, pipeline=@p2, version=@p3, status=@p4, created=@p5, started=@p6, ended=@p7, error=@p8, partition=@p9, trigger=@p10
        where id=@p0 and sequence<=@p1
        """;

    private const string PutParam = $"insert into param(run, name, value, number, own) values(@p0, @p1, @p2, @p3, @p4) {TrackingRules.Param}";

    private const string PutFull = $"insert into metric(run, name, key, stage, attempt, step, time, value) values(@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7) {TrackingRules.FullMetric}";

    private const string PutBare = $"insert into metric(run, name, key, stage, attempt, step, time, value) values(@p0, @p2, @p2, @p3, @p4, @p5, @p6, @p7) {TrackingRules.BareMetric}";

    private const string PutArtifact = $"insert into artifact(run, path, digest, bytes, time, stage, attempt) values(@p0, @p1, @p2, @p3, @p4, @p5, @p6) {TrackingRules.Artifact}";

    private const string FindRun = "select n from run where id=@p0";

    /// <summary>Rows, and blocks of points, that go in one step of a removal: some ten milliseconds of the writer.</summary>
    private const long RemovedRows = 1000, RemovedBlocks = 64;

    private const string RemoveBlocks = "delete from points where rowid in (select p.rowid from series s join points p on p.series=s.n where s.run=@p0 limit @p1)";

    private static readonly string[] RemoveRows =
    [
        "delete from series where n in (select n from series where run=@p0 limit @p1)",
        "delete from metric where run=@p0 and name in (select name from metric where run=@p0 limit @p1)",
        "delete from param where run=@p0 and name in (select name from param where run=@p0 limit @p1)",
        "delete from tag where run=@p0 and name in (select name from tag where run=@p0 limit @p1)",
        "delete from artifact where run=@p0 and path in (select path from artifact where run=@p0 limit @p1)",
    ];

    public static long Run(SqliteSession session, string id)
    {
        if (session.First(FindRun, static r => (long?)r.GetInt64(0), id) is { } known)
        {
            return known;
        }

        session.Execute(InsertRun, id);
        return session.First(FindRun, static r => r.GetInt64(0), id);
    }

    public static bool PutRun(SqliteSession session, RunProjection projection)
    {
        var (run, number) = (projection.Run, Run(session, projection.Run.Id));
        if (session.Execute(UpdateRun, run.Id, projection.Sequence, run.Pipeline, run.PipelineVersion, (long)run.Status, Time(run.Created), Time(run.Started), Time(run.Ended), run.Error, run.Partition, run.Trigger) == 0)
        {
            return false;
        }

        foreach (var (name, value) in run.Parameters)
        {
            session.Execute(PutParam, number, Name(session, name), value, TrackingRules.Number(value), 1L);
        }

        foreach (var stage in projection.Metrics)
        {
            foreach (var (name, value) in stage.Values)
            {
                PutLatest(session, number, stage.Stage, Name(session, name), name, stage.Attempt, new MetricPoint(0, stage.Time.ToUnixTimeMilliseconds(), value));
            }
        }

        return true;
    }

    /// <summary>Takes some of a run out; its own row goes with the last of what refers to it, as its number may then be given to another.</summary>
    /// <returns>Whether there is more.</returns>
    public static bool RemoveSome(SqliteSession session, string id)
    {
        if (session.First(FindRun, static r => (long?)r.GetInt64(0), id) is not { } run)
        {
            return false;
        }

        session.Execute("update run set sequence=-1 where n=@p0 and sequence>=0", run);
        if (session.Execute(RemoveBlocks, run, RemovedBlocks) == RemovedBlocks)
        {
            return true;
        }

        foreach (var remove in RemoveRows)
        {
            if (session.Execute(remove, run, RemovedRows) == RemovedRows)
            {
                return true;
            }
        }

        session.Execute("delete from run where n=@p0", run);
        return false;
    }

    public static bool SetTags(SqliteSession session, string runId, IReadOnlyDictionary<string, string?> tags)
    {
        var run = Run(session, runId);
        foreach (var (name, value) in tags)
        {
            if (value is null)
            {
                session.Execute("delete from tag where run=@p0 and name=@p1", run, Name(session, name));
            }
            else
            {
                PutTag(session, run, name, value);
            }
        }

        return true;
    }

    public static bool Append(SqliteSession session, TrackBatch batch)
    {
        var run = Run(session, batch.RunId);
        foreach (var (name, value) in batch.Parameters)
        {
            if (session.Execute(PutParam, run, Name(session, name), value, TrackingRules.Number(value), 0L) == 0)
            {
                session.Execute(PutParam, run, Name(session, $"{batch.Stage}.{name}"), value, TrackingRules.Number(value), 0L);
            }
        }

        foreach (var (name, value) in batch.Tags)
        {
            PutTag(session, run, name, value);
        }

        var stage = Name(session, batch.Stage);
        foreach (var artifact in batch.Artifacts)
        {
            session.Execute(PutArtifact, run, artifact.Path, artifact.Digest, artifact.Bytes, artifact.Time, stage, (long)batch.Attempt);
        }

        foreach (var block in batch.Metrics)
        {
            Append(session, run, batch, stage, block);
        }

        return true;
    }

    private static void Append(SqliteSession session, long run, TrackBatch batch, long stage, MetricBlock block)
    {
        var points = block.Points.Span;
        if (points.IsEmpty)
        {
            return;
        }

        var (min, max, newest) = (long.MaxValue, long.MinValue, points[0]);
        foreach (ref readonly var point in points)
        {
            min = Math.Min(min, point.Step);
            max = Math.Max(max, point.Step);
            newest = TrackingRules.IsNewer(point, newest) ? point : newest;
        }

        var key = Name(session, block.Name);
        session.Execute("""
            insert into series(run, key, stage, attempt, points, min_step) values(@p0, @p1, @p2, @p3, @p4, @p5)
            on conflict(run, key, stage, attempt) do update set points=series.points+excluded.points, min_step=min(series.min_step, excluded.min_step)
            """, run, key, stage, (long)batch.Attempt, (long)points.Length, min);
        var series = session.First("select n from series where run=@p0 and key=@p1 and stage=@p2 and attempt=@p3", static r => r.GetInt64(0), run, key, stage, (long)batch.Attempt);
        AddPoints(session, series, points, min, max);
        PutLatest(session, run, batch.Stage, key, block.Name, batch.Attempt, newest);
    }

    private static void AddPoints(SqliteSession session, long series, ReadOnlySpan<MetricPoint> points, long min, long max)
    {
        var tail = session.First("select block, points from points where series=@p0 order by block desc limit 1",
            static r => (Block: r.GetInt64(0), Points: r.GetInt64(1)), series);
        var bytes = MemoryMarshal.AsBytes(points);
        if (tail.Points > 0 && tail.Points + points.Length <= BlockPoints)
        {
            var before = session.First("select data from points where series=@p0 and block=@p1", static r => (byte[])r.GetValue(0), series, tail.Block)!;
            session.Execute("update points set points=points+@p2, min_step=min(min_step, @p3), max_step=max(max_step, @p4), data=@p5 where series=@p0 and block=@p1",
                series, tail.Block, (long)points.Length, min, max, (byte[])[.. before, .. bytes]);
            return;
        }

        session.Execute("insert into points(series, block, points, min_step, max_step, data) values(@p0, @p1, @p2, @p3, @p4, @p5)",
            series, tail.Block + 1, (long)points.Length, min, max, bytes.ToArray());
    }

    private static void PutLatest(SqliteSession session, long run, string stage, long key, string name, int attempt, MetricPoint point)
    {
        object? value = TrackingRules.Known(point.Value);
        var (full, owner) = (Name(session, $"{stage}.{name}"), Name(session, stage));
        session.Execute(PutFull, run, full, key, owner, (long)attempt, point.Step, point.Time, value);
        session.Execute(PutBare, run, full, key, owner, (long)attempt, point.Step, point.Time, value);
    }

    private static void PutTag(SqliteSession session, long run, string name, string value) => session.Execute(
        "insert into tag(run, name, value) values(@p0, @p1, @p2) on conflict(run, name) do update set value=excluded.value", run, Name(session, name), value);

    private static long Name(SqliteSession session, string text)
    {
        const string Find = "select n from name where text=@p0";
        if (session.First(Find, static r => (long?)r.GetInt64(0), text) is { } known)
        {
            return known;
        }

        session.Execute("insert into name(text) values(@p0) on conflict do nothing", text);
        return session.First(Find, static r => r.GetInt64(0), text);
    }

    private static long? Time(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();
}
