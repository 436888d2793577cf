using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Bench.Data;

/// <summary>A table of 1 GB that lies in memory, put into the store: against Ray's put of such a table, and against copying as many bytes into memory that is mapped already.</summary>
internal static unsafe class PutCase
{
    private const int Columns = 8, Rows = 1 << 20, Batches = 16, Rounds = 5;
    private const long Bytes = (long)Columns * Rows * Batches * sizeof(double);

    public static IReadOnlyList<BenchCase> Run()
    {
        var folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-bench-{Environment.ProcessId}");
        var column = (double*)NativeMemory.AlignedAlloc(Rows * sizeof(double), 64);
        new Span<double>(column, Rows).Fill(1.5);
        try
        {
            using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
            var (puts, copies) = (new List<double>(), new List<double>());
            for (var round = -1; round < Rounds; round++)
            {
                var put = Seconds(() => store.Delete(Put(store, column)));
                var copy = Copy(column);
                Console.Error.WriteLine(F($"    put {Bytes / put / 1e9:0.0} GB/s, memcpy {Bytes / copy / 1e9:0.0} GB/s"));
                if (round >= 0)
                {
                    puts.Add(Bytes / put / 1e9);
                    copies.Add(Bytes / copy / 1e9);
                }
            }

            puts.Sort();
            copies.Sort();
            var (ours, memcpy) = (puts[Rounds / 2], copies[Rounds / 2]);
            var ray = Rivals.Run(Rivals.RayPython, "ray_objects.py", "200", Bytes.ToString(CultureInfo.InvariantCulture));
            double? theirs = ray?.GetProperty("put_seconds") is { ValueKind: System.Text.Json.JsonValueKind.Number } seconds ? Bytes / seconds.GetDouble() / 1e9 : null;
            return
            [
                new("put of a table of 1 GB", ours, F($"GB/s ({puts[0]:0.0} to {puts[^1]:0.0})"), theirs is { } rate ? F($"Ray {rate:0.00} GB/s") : "rival absent", ours / theirs, ">= 3x Ray", ours / theirs >= 3),
                new("put of a table of 1 GB, to memcpy into warm memory", ours, "GB/s", F($"memcpy {memcpy:0.0} GB/s"), ours / memcpy, ">= 0.5", ours / memcpy >= .5),
            ];
        }
        finally
        {
            NativeMemory.AlignedFree(column);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Put(ObjectStore store, double* column)
    {
        var schema = new Schema(Enumerable.Range(0, Columns).Select(i => new Field($"c{i}", DoubleType.Default, false)), null);
        using var memory = new NativeColumn(column);
        var arrays = Enumerable.Range(0, Columns).Select(IArrowArray (_) => new DoubleArray(new ArrowBuffer(memory.Memory), ArrowBuffer.Empty, Rows, 0, 0)).ToList();
        var batch = new RecordBatch(schema, arrays, Rows);
        using var writer = store.Create(schema, Bytes + (1 << 20));
        for (var i = 0; i < Batches; i++)
        {
            writer.Append(batch);
        }

        return writer.Seal().Id;
    }

    private static double Copy(double* column)
    {
        const int Length = Rows * sizeof(double);
        const int Slots = 32; // 256 MB: far more than any cache
        var target = (byte*)NativeMemory.AlignedAlloc((nuint)Length * Slots, 64);
        new Span<byte>(target, int.MaxValue < (long)Length * Slots ? int.MaxValue : Length * Slots).Fill(1);
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
