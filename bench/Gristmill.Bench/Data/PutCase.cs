using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Bench.Data;

/// <summary>
/// A table of 1 GB put into the store, against Ray's put of such a table and against copying as many bytes into memory that is mapped already: copied in from elsewhere,
/// into memory that was never used and into what a deleted table has left; and built where it stays, as stages do, where a put is what is left to do after the last value.
/// </summary>
internal static unsafe class PutCase
{
    private const int Columns = 8, Rows = 1 << 20, Batches = 16, Rounds = 5, Warm = 4;
    private const long Bytes = (long)Columns * Rows * Batches * sizeof(double);
    private static readonly Schema s_schema = new(Enumerable.Range(0, Columns).Select(i => new Field($"c{i}", DoubleType.Default, false)), null);

    public static IReadOnlyList<BenchCase> Run()
    {
        var folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-bench-{Environment.ProcessId}");
        var column = (double*)NativeMemory.AlignedAlloc(Rows * sizeof(double), 64);
        new Span<double>(column, Rows).Fill(1.5);
        try
        {
            using var fresh = ObjectStore.Open(new ObjectStoreOptions { Directory = folder, RecycledBytes = 0 });
            using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
            var (first, again, built, copies) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
            Repeat(first, () => Seconds(() => fresh.Delete(Put(fresh, column))));
            Repeat(again, () => Seconds(() => store.Delete(Put(store, column))));
            Repeat(built, () => Build(store));
            Repeat(copies, () => Copy(column));
            var ray = Rivals.Run(Rivals.RayPython, "ray_objects.py", "200", Bytes.ToString(CultureInfo.InvariantCulture));
            var (rayFresh, rayAgain) = (Rate(ray, "fresh_put_seconds"), Rate(ray, "put_seconds"));
            var memcpy = copies[Rounds / 2];
            return
            [
                AgainstRay("put of a table of 1 GB, built in the store: after its last value", built, rayAgain),
                AgainstRay("put of a table of 1 GB, copied into memory never used", first, rayFresh),
                AgainstRay("put of a table of 1 GB, copied into memory that a deleted one left", again, rayAgain),
                new("put of a table of 1 GB, to memcpy into warm memory", again[Rounds / 2], "GB/s", F($"memcpy {memcpy:0.0} GB/s"), again[Rounds / 2] / memcpy, ">= 0.5", again[Rounds / 2] / memcpy >= .5),
            ];
        }
        finally
        {
            NativeMemory.AlignedFree(column);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static BenchCase AgainstRay(string name, List<double> rates, double? theirs) => new(
        name, rates[Rounds / 2], F($"GB/s ({rates[0]:0.0} to {rates[^1]:0.0})"), theirs is { } rate ? F($"Ray {rate:0.00} GB/s") : "rival absent", rates[Rounds / 2] / theirs, ">= 3x Ray", rates[Rounds / 2] / theirs >= 3);

    private static double? Rate(JsonElement? ray, string name)
    {
        var seconds = ray?.GetProperty(name).EnumerateArray().Select(static value => value.GetDouble()).ToList();
        return seconds is { Count: > 0 } ? Bytes / seconds[seconds.Count / 2] / 1e9 : null;
    }

    private static void Repeat(List<double> rates, Func<double> seconds)
    {
        // Until the runtime has compiled what runs often with all optimisations, which takes it some seconds.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < Warm;)
        {
            seconds();
        }

        for (var round = 0; round < Rounds; round++)
        {
            rates.Add(Bytes / seconds() / 1e9);
        }

        rates.Sort();
    }

    private static string Put(ObjectStore store, double* column)
    {
        using var memory = new NativeColumn(column);
        var arrays = Enumerable.Range(0, Columns).Select(IArrowArray (_) => new DoubleArray(new ArrowBuffer(memory.Memory), ArrowBuffer.Empty, Rows, 0, 0)).ToList();
        var batch = new RecordBatch(s_schema, arrays, Rows);
        using var writer = store.Create(s_schema, Bytes + (1 << 20));
        for (var i = 0; i < Batches; i++)
        {
            writer.Append(batch);
        }

        return writer.Seal().Id;
    }

    /// <summary>Seconds that the store takes of the building of a table: without those in which its values are computed.</summary>
    private static double Build(ObjectStore store)
    {
        var (start, computing) = (Stopwatch.GetTimestamp(), 0.0);
        using var writer = store.Create(s_schema, Bytes + (1 << 20));
        for (var i = 0; i < Batches; i++)
        {
            writer.BeginBatch();
            var columns = Enumerable.Range(0, Columns).Select(_ => writer.AllocateUninitialized(Rows * sizeof(double))).ToList();
            computing += Seconds(() => columns.ForEach(memory => MemoryMarshal.Cast<byte, double>(memory.Span).Fill(i)));
            writer.EndBatch(Rows, [.. columns.Select(static memory => new DoubleArray(new ArrowBuffer(memory), ArrowBuffer.Empty, Rows, 0, 0))]);
        }

        var id = writer.Seal().Id;
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds - computing;
        store.Delete(id);
        return seconds;
    }

    private static double Copy(double* column)
    {
        const int Length = Rows * sizeof(double);
        const int Slots = 32; // 256 MB: far more than any cache
        var target = (byte*)NativeMemory.AlignedAlloc((nuint)Length * Slots, 64);
        new Span<byte>(target, Length * Slots).Fill(1);
        var seconds = Seconds(() =>
        {
            for (var i = 0; i < Columns * Batches; i++)
            {
                NativeMemory.Copy(column, target + ((long)Length * (i % Slots)), Length);
            }
        });
        NativeMemory.AlignedFree(target);
        return seconds;
    }

    private static double Seconds(Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class NativeColumn(double* start) : System.Buffers.MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(start, Rows * sizeof(double));

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => new((byte*)start + elementIndex);

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }
    }
}
