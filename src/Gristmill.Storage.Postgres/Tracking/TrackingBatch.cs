using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;

namespace Gristmill.Storage.Postgres;

/// <summary>
/// What a batch changes, as a few statements for all of it: what comes for the same row follows in a statement of its own, so that each change is made in the
/// order it was put in. The rows of all its runs are locked before, and what it knows of them holds until it is committed.
/// </summary>
/// <param name="runs">Number and sequence of each run.</param>
/// <param name="names">Numbers of names; it may be given more before <see cref="Statements"/>.</param>
/// <param name="own">What runs were started with, of the parameters that are logged.</param>
internal sealed class TrackingBatch(Dictionary<string, (long Number, long Sequence)> runs, IReadOnlyDictionary<string, long> names, Dictionary<(long Run, string Name), string> own)
{
    public const int PointBytes = 24;

    /// <summary>Points that a block may grow to by additions: its row stays on its page. More at once make blocks of their own.</summary>
    private const int TailPoints = 64;

    private const int BlockPoints = 4096;

    private readonly Dictionary<string, (long Run, RunProjection Projection)> _runs = new(StringComparer.Ordinal);
    private readonly List<Param> _params = [];
    private readonly Dictionary<(long Run, string Name), string?> _tags = [];
    private readonly Dictionary<(long Run, string Name), List<Metric>> _full = [], _bare = [];
    private readonly List<Artifact> _artifacts = [];
    private readonly Dictionary<(long Run, string Key, string Stage, int Attempt), List<ReadOnlyMemory<MetricPoint>>> _series = [];

    /// <summary>Names that are needed now and were not known before.</summary>
    public IEnumerable<string> Unknown => _params.Select(static param => param.Name).Where(name => !names.ContainsKey(name));

    public void Add(TrackWrite write)
    {
        switch (write)
        {
            case RunWrite put when put.Projection.Sequence >= runs[put.RunId].Sequence:
                Add(put);
                break;
            case TagsWrite tags:
                foreach (var (name, value) in tags.Tags)
                {
                    _tags[(runs[tags.RunId].Number, name)] = value;
                }

                break;
            case AppendWrite append:
                Add(append.Batch, runs[append.RunId].Number);
                break;
        }
    }

    public IEnumerable<NpgsqlBatchCommand> Statements() => [.. Runs(), .. Params(), .. Tags(), .. Metrics(), .. Artifacts(), .. Series()];

    private void Add(RunWrite put)
    {
        var (run, projection) = (runs[put.RunId].Number, put.Projection);
        runs[put.RunId] = (run, projection.Sequence);
        _runs[put.RunId] = (run, projection);
        foreach (var (name, value) in projection.Run.Parameters)
        {
            own[(run, name)] = value;
            _params.Add(new Param(run, name, value, true));
        }

        foreach (var stage in projection.Metrics)
        {
            foreach (var (name, value) in stage.Values)
            {
                AddLatest(run, new Metric(name, stage.Stage, stage.Attempt, new MetricPoint(0, stage.Time.ToUnixTimeMilliseconds(), value)));
            }
        }
    }

    private void Add(TrackBatch batch, long run)
    {
        foreach (var (name, value) in batch.Parameters)
        {
            _params.Add(new Param(run, own.TryGetValue((run, name), out var held) && held != value ? $"{batch.Stage}.{name}" : name, value, false));
        }

        foreach (var (name, value) in batch.Tags)
        {
            _tags[(run, name)] = value;
        }

        _artifacts.AddRange(batch.Artifacts.Select(artifact => new Artifact(run, artifact, batch.Stage, batch.Attempt)));
        foreach (var block in batch.Metrics)
        {
            if (block.Points.IsEmpty)
            {
                continue;
            }

            var newest = block.Points.Span[0];
            foreach (ref readonly var point in block.Points.Span)
            {
                newest = TrackingRules.IsNewer(point, newest) ? point : newest;
            }

            AddLatest(run, new Metric(block.Name, batch.Stage, batch.Attempt, newest));
            Of(_series, (run, block.Name, batch.Stage, batch.Attempt)).Add(block.Points);
        }
    }

    private void AddLatest(long run, Metric metric)
    {
        Add(Of(_full, (run, $"{metric.Stage}.{metric.Key}")), metric);
        Add(Of(_bare, (run, metric.Key)), metric);

        // Of two of one attempt one is enough, if whatever there was before would end as it does after both.
        static void Add(List<Metric> metrics, Metric metric)
        {
            if (metrics is not [.., var last] || last.Stage != metric.Stage || last.Key != metric.Key || last.Attempt != metric.Attempt)
            {
                metrics.Add(metric);
                return;
            }

            var newer = TrackingRules.IsNewer(metric.Point, last.Point);
            if (newer && metric.Point.Time >= last.Point.Time)
            {
                metrics[^1] = metric;
            }
            else if (newer || metric.Point.Time > last.Point.Time)
            {
                metrics.Add(metric);
            }
        }
    }

    private IEnumerable<NpgsqlBatchCommand> Runs()
    {
        if (_runs.Count == 0)
        {
            return [];
        }

        (long Run, RunProjection Projection)[] rows = [.. _runs.Values];
        var records = Array.ConvertAll(rows, static row => row.Projection.Run);
        return
        [
            Command("""
                update run r set sequence=i.sequence, pipeline=i.pipeline, version=i.version, status=i.status, created=i.created, started=i.started, ended=i.ended,
                    error=i.error, partition=i.partition, trigger=i.trigger
                from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as i(n, sequence, pipeline, version, status, created, started, ended, error, partition, trigger)
                where r.n=i.n
                """,
                Numbers(rows.Select(static row => row.Run)), Numbers(rows.Select(static row => row.Projection.Sequence)), Texts(records.Select(static run => run.Pipeline)),
                Texts(records.Select(static run => run.PipelineVersion)), Column(NpgsqlDbType.Integer, records.Select(static run => (int)run.Status)),
                Numbers(records.Select(static run => run.Created.ToUnixTimeMilliseconds())), Times(records.Select(static run => run.Started)), Times(records.Select(static run => run.Ended)),
                Texts(records.Select(static run => run.Error)), Texts(records.Select(static run => run.Partition)), Texts(records.Select(static run => run.Trigger))),
        ];
    }

    private IEnumerable<NpgsqlBatchCommand> Params() => Waves(_params, static param => (param.Run, param.Name)).Select(rows => Command($"""
        insert into param(run, name, value, number, own) select i.run, i.name, i.value, i.number, i.own from unnest($1, $2, $3, $4, $5) as i(run, name, value, number, own)
        {TrackingRules.Param}
        """,
        Numbers(rows.Select(static row => row.Run)), Numbers(rows.Select(row => names[row.Name])), Texts(rows.Select(static row => row.Value)),
        Column(NpgsqlDbType.Double, rows.Select(static row => TrackingRules.Number(row.Value))), Numbers(rows.Select(static row => row.IsOwn ? 1L : 0))));

    private IEnumerable<NpgsqlBatchCommand> Tags()
    {
        var (removed, set) = (_tags.Where(static tag => tag.Value is null).ToList(), _tags.Where(static tag => tag.Value is not null).ToList());
        if (removed.Count > 0)
        {
            yield return Command("delete from tag t using unnest($1, $2) as i(run, name) where t.run=i.run and t.name=i.name",
                Numbers(removed.Select(static tag => tag.Key.Run)), Numbers(removed.Select(tag => names[tag.Key.Name])));
        }

        if (set.Count > 0)
        {
            yield return Command("""
                insert into tag(run, name, value, number) select i.run, i.name, i.value, i.number from unnest($1, $2, $3, $4) as i(run, name, value, number)
                on conflict(run, name) do update set value=excluded.value, number=excluded.number
                """,
                Numbers(set.Select(static tag => tag.Key.Run)), Numbers(set.Select(tag => names[tag.Key.Name])), Texts(set.Select(static tag => tag.Value)),
                Column(NpgsqlDbType.Double, set.Select(static tag => TrackingRules.Number(tag.Value!))));
        }
    }

    private IEnumerable<NpgsqlBatchCommand> Metrics()
    {
        return [.. Of(_full, TrackingRules.FullMetric), .. Of(_bare, TrackingRules.BareMetric)];

        IEnumerable<NpgsqlBatchCommand> Of(Dictionary<(long Run, string Name), List<Metric>> metrics, string rule) =>
            Waves([.. metrics.SelectMany(static pair => pair.Value, static (pair, metric) => (pair.Key, Metric: metric))], static row => row.Key).Select(rows => Command($"""
                insert into metric(run, name, key, stage, attempt, step, time, value)
                select i.run, i.name, i.key, i.stage, i.attempt, i.step, i.time, i.value from unnest($1, $2, $3, $4, $5, $6, $7, $8) as i(run, name, key, stage, attempt, step, time, value)
                {rule}
                """,
                Numbers(rows.Select(static row => row.Key.Run)), Numbers(rows.Select(row => names[row.Key.Name])), Numbers(rows.Select(row => names[row.Metric.Key])),
                Numbers(rows.Select(row => names[row.Metric.Stage])), Numbers(rows.Select(static row => (long)row.Metric.Attempt)), Numbers(rows.Select(static row => row.Metric.Point.Step)),
                Numbers(rows.Select(static row => row.Metric.Point.Time)), Column(NpgsqlDbType.Double, rows.Select(static row => TrackingRules.Known(row.Metric.Point.Value)))));
    }

    private IEnumerable<NpgsqlBatchCommand> Artifacts() => Waves(_artifacts, static row => (row.Run, row.File.Path)).Select(rows => Command($"""
        insert into artifact(run, path, digest, bytes, time, stage, attempt)
        select i.run, i.path, i.digest, i.bytes, i.time, i.stage, i.attempt from unnest($1, $2, $3, $4, $5, $6, $7) as i(run, path, digest, bytes, time, stage, attempt)
        {TrackingRules.Artifact}
        """,
        Numbers(rows.Select(static row => row.Run)), Texts(rows.Select(static row => row.File.Path)), Texts(rows.Select(static row => row.File.Digest)),
        Numbers(rows.Select(static row => row.File.Bytes)), Numbers(rows.Select(static row => row.File.Time)), Numbers(rows.Select(row => names[row.Stage])),
        Numbers(rows.Select(static row => (long)row.Attempt))));

    private IEnumerable<NpgsqlBatchCommand> Series()
    {
        if (_series.Count == 0)
        {
            return [];
        }

        var (series, blocks) = (new List<(Block Whole, long Blocks, long Tail)>(), new List<(Block Block, long Back)>());
        foreach (var (key, parts) in _series)
        {
            var points = parts.Count == 1 ? parts[0] : parts.SelectMany(static part => part.ToArray()).ToArray();
            var count = (points.Length + BlockPoints - 1) / BlockPoints;
            Block[] chunks = [.. Enumerable.Range(0, count).Select(i => Of(key, points[(i * BlockPoints)..Math.Min(points.Length, (i + 1) * BlockPoints)]))];
            series.Add((new Block(key, points, chunks.Min(static block => block.Min), chunks.Max(static block => block.Max)), count, chunks[^1].Points.Length));
            blocks.AddRange(chunks.Select((block, i) => (block, count - 1L - i)));
        }

        return
        [
            Command($"""
                insert into series(run, key, stage, attempt, points, min_step, block, tail)
                select i.run, i.key, i.stage, i.attempt, i.points, i.min_step, i.blocks, i.tail from unnest($1, $2, $3, $4, $5, $6, $7, $8) as i(run, key, stage, attempt, points, min_step, blocks, tail)
                on conflict(run, key, stage, attempt) do update set
                    points=series.points+excluded.points, min_step=least(series.min_step, excluded.min_step),
                    block=case when series.tail+excluded.points<={TailPoints} then series.block else series.block+excluded.block end,
                    tail=case when series.tail+excluded.points<={TailPoints} then series.tail+excluded.points else excluded.tail end
                """,
                [.. Keys(series.Select(static row => row.Whole)), Numbers(series.Select(static row => (long)row.Whole.Points.Length)), Numbers(series.Select(static row => row.Whole.Min)),
                    Numbers(series.Select(static row => row.Blocks)), Numbers(series.Select(static row => row.Tail))]),
            // Sees what the statement before has made: the block is there already if the points go to its end.
            Command("""
                insert into points(series, block, points, min_step, max_step, data)
                select s.n, s.block-i.back, i.points, i.min_step, i.max_step, i.data
                from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) as i(run, key, stage, attempt, back, points, min_step, max_step, data)
                join series s on s.run=i.run and s.key=i.key and s.stage=i.stage and s.attempt=i.attempt
                on conflict(series, block) do update set points=points.points+excluded.points, min_step=least(points.min_step, excluded.min_step),
                    max_step=greatest(points.max_step, excluded.max_step), data=points.data||excluded.data
                """,
                [.. Keys(blocks.Select(static row => row.Block)), Numbers(blocks.Select(static row => row.Back)), Numbers(blocks.Select(static row => (long)row.Block.Points.Length)),
                    Numbers(blocks.Select(static row => row.Block.Min)), Numbers(blocks.Select(static row => row.Block.Max)),
                    Column(NpgsqlDbType.Bytea, blocks.Select(static row => MemoryMarshal.AsBytes(row.Block.Points.Span).ToArray()))]),
        ];

        NpgsqlParameter[] Keys(IEnumerable<Block> rows)
        {
            Block[] all = [.. rows];
            return
            [
                Numbers(all.Select(static row => row.Series.Run)), Numbers(all.Select(row => names[row.Series.Key])), Numbers(all.Select(row => names[row.Series.Stage])),
                Numbers(all.Select(static row => (long)row.Series.Attempt)),
            ];
        }

        static Block Of((long, string, string, int) series, ReadOnlyMemory<MetricPoint> points)
        {
            var (min, max) = (long.MaxValue, long.MinValue);
            foreach (ref readonly var point in points.Span)
            {
                (min, max) = (Math.Min(min, point.Step), Math.Max(max, point.Step));
            }

            return new Block(series, points, min, max);
        }
    }

    /// <summary>Rows in groups that hold each key once, a key's rows in their order.</summary>
    private static List<List<T>> Waves<T, TKey>(List<T> rows, Func<T, TKey> key)
        where TKey : notnull
    {
        var (waves, next) = (new List<List<T>>(), new Dictionary<TKey, int>());
        foreach (var row in rows)
        {
            var wave = CollectionsMarshal.GetValueRefOrAddDefault(next, key(row), out _)++;
            if (wave == waves.Count)
            {
                waves.Add([]);
            }

            waves[wave].Add(row);
        }

        return waves;
    }

    private static TValue Of<TKey, TValue>(Dictionary<TKey, TValue> values, TKey key)
        where TKey : notnull
        where TValue : new() => CollectionsMarshal.GetValueRefOrAddDefault(values, key, out _) ??= new TValue();

    private static NpgsqlBatchCommand Command(string sql, params NpgsqlParameter[] arguments)
    {
        var command = new NpgsqlBatchCommand(sql);
        Array.ForEach(arguments, argument => command.Parameters.Add(argument));
        return command;
    }

    private static NpgsqlParameter<long[]> Numbers(IEnumerable<long> values) => Column(NpgsqlDbType.Bigint, values);

    private static NpgsqlParameter<long?[]> Times(IEnumerable<DateTimeOffset?> values) => Column(NpgsqlDbType.Bigint, values.Select(static value => value?.ToUnixTimeMilliseconds()));

    private static NpgsqlParameter<string?[]> Texts(IEnumerable<string?> values) => Column(NpgsqlDbType.Text, values.Select(static value => value is null ? null : PostgresText.Encode(value)));

    private static NpgsqlParameter<T[]> Column<T>(NpgsqlDbType type, IEnumerable<T> values) => new() { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | type };

    private sealed record Param(long Run, string Name, string Value, bool IsOwn);

    private sealed record Metric(string Key, string Stage, int Attempt, MetricPoint Point);

    private sealed record Artifact(long Run, TrackedArtifact File, string Stage, int Attempt);

    private sealed record Block((long Run, string Key, string Stage, int Attempt) Series, ReadOnlyMemory<MetricPoint> Points, long Min, long Max);
}
