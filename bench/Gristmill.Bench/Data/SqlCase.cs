using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Gristmill.Engines.Sql;
using Gristmill.Objects;
using ParquetSharp.Arrow;

namespace Gristmill.Bench.Data;

/// <summary>
/// What stages do with DuckDB, against DuckDB alone with as many threads: queries over a mapped table of ten million rows, against its own table of them; three million
/// rows of Parquet into an object, against fetching them in C and against ParquetSharp; a table of 1 GB that a query makes, against copying as much. Each side in turn.
/// </summary>
internal static class SqlCase
{
    private const int Rounds = 7;
    private const long Rows = 10_000_000, Gigabyte = 16L << 20;

    private const string Table = """
        select i as id, (i * 7919 % 1000)::int as grp, (i * 104729 % 1000003) / 1000.0 as value, 'category ' || (i * 31 % 20) as category,
            timestamp '2026-01-01' + to_seconds(i % 2592000) as made from range(10000000) r(i)
        """;

    private static readonly (string Name, string Query)[] s_queries =
    [
        ("count, sum, average", "select count(*), sum(value), avg(value), min(made), max(made) from t"),
        ("filter", "select count(*), sum(value) from t where value > 900 and category = 'category 7'"),
        ("group by a number", "select grp, count(*), avg(value) from t group by grp order by grp"),
        ("group by a text and an hour", "select category, hour(made) as h, count(*), avg(value) from t group by all order by all"),
        ("best 100", "select id, value, category from t order by value desc, id limit 100"),
    ];

    private static int Threads => Environment.ProcessorCount;

    public static IReadOnlyList<BenchCase> Queries() => InStore(store =>
    {
        using var database = Open();
        using var alone = new DuckFetch(Threads);
        using var lease = store.Get(Make(database, store, Table).Id);
        database.AddTable("t", lease.Schema, [.. lease.Batches], null);
        alone.Run($"create table t as {Table}");
        var cases = new List<BenchCase>();
        var (all, theirsOfAll) = (0.0, 0.0);
        foreach (var (name, query) in s_queries)
        {
            var (ours, theirs) = InTurn(() => store.Delete(Make(database, store, query).Id), () => alone.Run(query));
            cases.Add(new($"SQL over a mapped table of 10 million rows: {name}", ours * 1e3, "ms", F($"DuckDB's own table {theirs * 1e3:0.0} ms"), ours / theirs, "told", true));
            (all, theirsOfAll) = (all + ours, theirsOfAll + theirs);
        }

        cases.Insert(0, new("SQL over a mapped table of 10 million rows, 5 queries", all * 1e3, "ms", F($"DuckDB's own table {theirsOfAll * 1e3:0.0} ms"), all / theirsOfAll, "<= 1.3", all <= 1.3 * theirsOfAll));
        return cases;
    });

    public static IReadOnlyList<BenchCase> Parquet() => InStore(store =>
    {
        var file = Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? ".", "flights-3m.parquet");
        var query = $"select * from read_parquet('{file}')";
        using var database = Open();
        using var alone = new DuckFetch(Threads);
        var (ours, fetch) = InTurn(() => store.Delete(Make(database, store, query).Id), () => alone.Run(query));
        var (again, sharp) = InTurn(() => store.Delete(Make(database, store, query).Id), () => ReadSharp(file));
        var best = Math.Min(fetch, sharp);
        var our = Math.Min(ours, again);
        return [new BenchCase("3 million rows of Parquet into an object", our * 1e3, "ms", F($"DuckDB fetched in C {fetch * 1e3:0} ms, ParquetSharp to memory {sharp * 1e3:0} ms"), best / our, ">= 0.9", best / our >= .9)];
    });

    public static IReadOnlyList<BenchCase> Put() => InStore(store =>
    {
        var query = $"select i::double a, i::double b, i::double c, i::double d, i::double e, i::double f, i::double g, i::double h from range({Gigabyte}) r(i)";
        const long bytes = Gigabyte * 8 * sizeof(double);
        using var database = Open();
        using var alone = new DuckFetch(Threads);
        var (ours, fetch) = InTurn(() => store.Delete(Make(database, store, query).Id), () => alone.Run(query));
        var memcpy = Copy(bytes);
        return
        [
            new BenchCase("a table of 1 GB that a query makes, put while it is made", bytes / ours / 1e9, "GB/s", F($"memcpy into warm memory {bytes / memcpy / 1e9:0.0} GB/s"), memcpy / ours, ">= 0.5", memcpy / ours >= .5),
            new BenchCase("the same, fetched in C and thrown away", bytes / fetch / 1e9, "GB/s", "-", null, "told", true),
        ];
    });

    private static ObjectRef Make(SqlDatabase database, ObjectStore store, string query)
    {
        using var statement = database.Prepare(query, static error => new InvalidOperationException(error.Message));
        return statement.RunToObject(store, default);
    }

    private static SqlDatabase Open() => SqlDatabase.Open(new SqlDatabaseOptions { Threads = Threads, MemoryBytes = 4L << 30 });

    private static void ReadSharp(string file)
    {
        using var properties = ParquetSharp.Arrow.ArrowReaderProperties.GetDefault();
        properties.UseThreads = true;
        using var reader = new FileReader(file, arrowProperties: properties);
        using var batches = reader.GetRecordBatchReader();
        while (batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch)
        {
            batch.Dispose();
        }
    }

    /// <summary>Seconds to copy so many bytes into memory that is mapped already.</summary>
    private static unsafe double Copy(long bytes)
    {
        const int length = 8 << 20, slots = 32;
        var source = (byte*)NativeMemory.AlignedAlloc(length, 64);
        var target = (byte*)NativeMemory.AlignedAlloc((nuint)length * slots, 64);
        new Span<byte>(source, length).Fill(1);
        new Span<byte>(target, length * slots).Fill(1);
        try
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < bytes / length; i++)
            {
                NativeMemory.Copy(source, target + ((long)length * (i % slots)), length);
            }

            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        finally
        {
            NativeMemory.AlignedFree(source);
            NativeMemory.AlignedFree(target);
        }
    }

    /// <summary>The median seconds of both, one after the other, after a round that is not counted.</summary>
    private static (double Ours, double Theirs) InTurn(Action ours, Action theirs)
    {
        var (first, second) = (new List<double>(), new List<double>());
        for (var round = -2; round < Rounds; round++)
        {
            var (one, two) = (Seconds(ours), Seconds(theirs));
            if (round >= 0)
            {
                first.Add(one);
                second.Add(two);
            }
        }

        return (first.Order().ElementAt(Rounds / 2), second.Order().ElementAt(Rounds / 2));

        static double Seconds(Action work)
        {
            var start = Stopwatch.GetTimestamp();
            work();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private static IReadOnlyList<BenchCase> InStore(Func<ObjectStore, IReadOnlyList<BenchCase>> measure)
    {
        var folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-bench-{Environment.ProcessId}");
        try
        {
            using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
            return measure(store);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
