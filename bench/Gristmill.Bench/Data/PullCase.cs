using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;
using Gristmill.Objects.Transfer;

namespace Gristmill.Bench.Data;

/// <summary>
/// A table of 1 GB brought from the store of another process over loopback, checked and kept, against as many bytes that one process writes to a socket and
/// another reads from it and forgets.
/// </summary>
internal static class PullCase
{
    /// <summary>The process that gives.</summary>
    public const string Role = "pull-source";

    private const int Columns = 8, Rows = 1 << 20, Batches = 16, Rounds = 7, Piece = 1 << 20;
    private const long Bytes = (long)Columns * Rows * Batches * sizeof(double);
    private static readonly Schema s_schema = new(Enumerable.Range(0, Columns).Select(i => new Field($"c{i}", DoubleType.Default, false)), null);

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var root = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-bench-{Environment.ProcessId}");
        try
        {
            using var source = Start(root + "-there");
            using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = root + "-here", RecycledBytes = 2L << 30 });
            var (fresh, again, raw, cpu) = (new List<double>(), new List<double>(), new List<double>(), 0.0);
            for (var round = -2; round < Rounds; round++)
            {
                var theirs = await RawAsync(source);
                var before = ProcessClock.CpuSeconds(Environment.ProcessId) + ProcessClock.CpuSeconds(source.Id);
                store.ReleaseRecycled();
                var first = await PullAsync(source, store);
                var spent = ProcessClock.CpuSeconds(Environment.ProcessId) + ProcessClock.CpuSeconds(source.Id) - before;
                var second = await PullAsync(source, store);
                if (round >= 0)
                {
                    // The rounds before are for the runtime to compile what runs often.
                    raw.Add(Bytes / theirs / 1e9);
                    fresh.Add(Bytes / first / 1e9);
                    again.Add(Bytes / second / 1e9);
                    cpu += spent / Rounds;
                }
            }

            await source.StandardInput.WriteLineAsync();
            await source.WaitForExitAsync();
            raw.Sort();
            return [Case("pull of 1 GB over loopback, into memory never used", fresh, raw, F($"; {cpu:0.00} CPU-seconds in both processes")), Case("pull of 1 GB over loopback, into memory that a deleted table left", again, raw, "")];
        }
        finally
        {
            foreach (var folder in new[] { root + "-there", root + "-here" }.Where(Directory.Exists))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    public static async Task<int> ServeAsync(string folder)
    {
        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
        await using var server = new ObjectServer(store, new IPEndPoint(IPAddress.Loopback, 0));
        using var raw = new Socket(SocketType.Stream, ProtocolType.Tcp);
        raw.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        raw.Listen();
        var id = Write(store);
        Console.WriteLine(((IPEndPoint)raw.LocalEndPoint!).Port);
        var buffer = new byte[Piece];
        while (Console.ReadLine() is { Length: > 0 } line)
        {
            if (line == "offer")
            {
                Console.WriteLine(JsonSerializer.Serialize(server.Offer(id)));
                continue;
            }

            using var socket = raw.Accept();
            for (long sent = 0; sent < Bytes; sent += Piece)
            {
                for (var at = 0; at < Piece;)
                {
                    at += socket.Send(buffer, at, Piece - at, SocketFlags.None);
                }
            }
        }

        store.Delete(id);
        return 0;
    }

    private static Process Start(string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(PullCase).Assembly.Location);
        }

        start.ArgumentList.Add(Role);
        start.ArgumentList.Add(folder);
        var process = Process.Start(start)!;
        s_rawPort = int.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
        return process;
    }

    private static int s_rawPort;

    private static async Task<double> RawAsync(Process source)
    {
        await source.StandardInput.WriteLineAsync("raw");
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, s_rawPort);
        var buffer = new byte[Piece];
        var start = Stopwatch.GetTimestamp();
        while (socket.Receive(buffer) > 0)
        {
            // Forgotten.
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> PullAsync(Process source, ObjectStore store)
    {
        var start = Stopwatch.GetTimestamp();
        await source.StandardInput.WriteLineAsync("offer");
        var offer = JsonSerializer.Deserialize<ObjectOffer>((await source.StandardOutput.ReadLineAsync())!)!;
        await store.PullAsync(offer.Ref.Id, new One(offer), default);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        store.Delete(offer.Ref.Id);
        return seconds;
    }

    private static string Write(ObjectStore store)
    {
        using var writer = store.Create(s_schema, Bytes + (1 << 20));
        for (var i = 0; i < Batches; i++)
        {
            writer.BeginBatch();
            var columns = Enumerable.Range(0, Columns).Select(_ => writer.AllocateUninitialized(Rows * sizeof(double))).ToList();
            columns.ForEach(memory => MemoryMarshal.Cast<byte, double>(memory.Span).Fill(i));
            writer.EndBatch(Rows, [.. columns.Select(static memory => new DoubleArray(new ArrowBuffer(memory), ArrowBuffer.Empty, Rows, 0, 0))]);
        }

        return writer.Seal().Id;
    }

    private static BenchCase Case(string name, List<double> ours, List<double> theirs, string more)
    {
        ours.Sort();
        var (our, their) = (ours[ours.Count / 2], theirs[theirs.Count / 2]);
        return new(name, our, F($"GB/s ({ours[0]:0.00} to {ours[^1]:0.00}{more})"), F($"a bare socket {their:0.00} GB/s ({theirs[0]:0.00} to {theirs[^1]:0.00})"), our / their, ">= 0.7", our / their >= .7);
    }

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class One(ObjectOffer offer) : IObjectSources
    {
        public Task<ObjectOffer?> NextAsync(CancellationToken cancellationToken) => Task.FromResult<ObjectOffer?>(offer);

        public Task ReleaseAsync(Exception? error) => error is null ? Task.CompletedTask : Task.FromException(error);
    }
}
