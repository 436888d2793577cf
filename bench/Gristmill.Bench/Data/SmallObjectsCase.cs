using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Bench.Data;

/// <summary>Tables of one column of 1 KB, put and read one at a time by one thread, in CPU-seconds of the process: what a get reads is its first value.</summary>
internal static class SmallObjectsCase
{
    private const int Objects = 100_000, Rounds = 5, Rows = 128;
    private const double PutGoal = 50_000, GetGoal = 500_000;
    private static readonly Schema s_schema = new([new Field("x", DoubleType.Default, false)], null);

    public static IReadOnlyList<BenchCase> Run()
    {
        var folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-bench-{Environment.ProcessId}");
        try
        {
            using var writing = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
            using var reading = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
            var ids = new string[Objects];
            var (puts, gets, again) = (new List<Cost>(), new List<Cost>(), new List<Cost>());
            for (var round = -2; round < Rounds; round++)
            {
                var put = Cost.Of(() => Put(writing, ids));
                var get = Cost.Of(() => Get(reading, ids, 1));
                var neighbour = Cost.Of(() => Get(reading, ids.AsSpan(0, Objects / 100), 100));
                if (round >= 0)
                {
                    puts.Add(put);
                    gets.Add(get);
                    again.Add(neighbour);
                }

                var delete = Cost.Of(() =>
                {
                    foreach (var id in ids)
                    {
                        writing.Delete(id);
                    }
                });
                Console.Error.WriteLine(F($"    put {put.CpuSeconds / Objects * 1e6:0.0}, get {get.CpuSeconds / Objects * 1e6:0.00}, again {neighbour.CpuSeconds / Objects * 1e6:0.00}, delete {delete.CpuSeconds / Objects * 1e6:0.0} CPU-us"));
            }

            var ray = Rivals.Run(Rivals.RayPython, "ray_objects.py", "3000");
            return
            [
                .. Cases("put", puts, ray?.GetProperty("puts_per_s").GetDouble(), PutGoal),
                .. Cases("get, each once", gets, ray?.GetProperty("gets_per_s").GetDouble(), GetGoal),
                .. Cases("get, again and again", again, ray?.GetProperty("gets_per_s").GetDouble(), GetGoal),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<BenchCase> Cases(string what, List<Cost> rounds, double? ray, double goal)
    {
        var rates = rounds.Select(static cost => Objects / cost.CpuSeconds).Order().ToList();
        var rate = rates[rates.Count / 2];
        yield return new(
            $"objects of 1 KB: {what}", rate, F($"per CPU-second ({rates[0]:0} to {rates[^1]:0})"), ray is { } theirs ? F($"Ray {theirs:0}/s") : "rival absent", rate / ray, F($">= {goal:#,0}"), rate >= goal);
        yield return new($"objects of 1 KB: {what}, allocated", rounds.Average(static cost => cost.Allocated) / Objects, "bytes each", "-", null, "-", true);
    }

    private static void Put(ObjectStore store, string[] ids)
    {
        for (var i = 0; i < ids.Length; i++)
        {
            using var writer = store.Create(s_schema);
            writer.BeginBatch();
            var memory = writer.Allocate(Rows * sizeof(double));
            MemoryMarshal.Cast<byte, double>(memory.Span).Fill(i);
            writer.EndBatch(Rows, [new DoubleArray(new ArrowBuffer(memory), ArrowBuffer.Empty, Rows, 0, 0)]);
            ids[i] = writer.Seal().Id;
        }
    }

    private static void Get(ObjectStore store, ReadOnlySpan<string> ids, int times)
    {
        for (var time = 0; time < times; time++)
        {
            for (var i = 0; i < ids.Length; i++)
            {
                using var lease = store.Get(ids[i]);
                if (((DoubleArray)lease.Batches[0].Column(0)).Values[0] != i)
                {
                    throw new InvalidOperationException("An object is not what was put.");
                }
            }
        }
    }

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Cost(double CpuSeconds, long Allocated)
    {
        public static Cost Of(Action work)
        {
            using var process = Process.GetCurrentProcess();
            var (cpu, allocated) = (process.TotalProcessorTime, GC.GetTotalAllocatedBytes(precise: true));
            work();
            process.Refresh();
            return new((process.TotalProcessorTime - cpu).TotalSeconds, GC.GetTotalAllocatedBytes(precise: true) - allocated);
        }
    }
}
