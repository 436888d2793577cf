using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Gristmill.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Bench.Lifecycle;

/// <summary>
/// A 1 GB table from one process to another: by reference through the object store, and as an Arrow IPC body over
/// loopback HTTP. "First row" is when the receiver holds the table and has read row 0; "full scan" when it has summed
/// every column. Both are counted from the moment the sender has the table ready.
/// </summary>
internal static class HandOffCase
{
    private const int Columns = 8;
    private const int BatchRows = 1 << 20;
    private const int Batches = 16;
    private const int Rounds = 9;

    public static IEnumerable<BenchCase> Run()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-bench-{Environment.ProcessId}")).FullName;
        try
        {
            using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
            using var receiver = Receiver.Start(folder);

            WarmUp(store, receiver);

            // The median of a few objects: one look at a shared machine is a look at its neighbours.
            var before = CopyCounter.Total;
            var rounds = new List<(double First, double Scan, double Sum, long Copied)>();
            var id = "";
            for (var i = 0; i < Rounds; i++)
            {
                store.Delete(id);
                id = Build(store, BatchRows, out var sealedAt);
                rounds.Add(receiver.Ask(id, sealedAt));
            }

            var first = rounds.Select(round => round.First).Order().ElementAt(Rounds / 2);
            var scan = rounds.Select(round => round.Scan).Order().ElementAt(Rounds / 2);
            var sum = rounds[^1].Sum;
            var copied = rounds.Sum(round => round.Copied) + CopyCounter.Total - before;
            Console.Error.WriteLine(F($"    first row after {string.Join(", ", rounds.Select(round => round.First.ToString("0.00", CultureInfo.InvariantCulture)))} ms"));

            double httpFirst, httpScan, httpSum;
            using (var lease = store.Get(id))
            {
                var sent = Stopwatch.GetTimestamp();
                Post(receiver.Url, lease);
                (httpFirst, httpScan, httpSum, _) = receiver.Ask(Receiver.Http, sent);
            }

            if (sum != httpSum)
            {
                throw new InvalidOperationException($"The two ways disagree: {sum} and {httpSum}.");
            }

            yield return new("hand-off of 1 GB: bytes copied", copied, "bytes", "Arrow IPC over HTTP copies all of them", null, "0", copied == 0);
            yield return new("hand-off of 1 GB: seal to first row", first, "ms", F($"Arrow IPC over HTTP {httpFirst:0.0} ms"), httpFirst / first, "< 1 ms and >= 100x sooner", first < 1 && httpFirst / first >= 100);
            yield return new("hand-off of 1 GB: full scan of every column", scan, "ms", F($"Arrow IPC over HTTP {httpScan:0.0} ms"), httpScan / scan, ">= 5x sooner", httpScan / scan >= 5);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The receiving process: answers what it is asked over its socket.</summary>
    public static int Serve(string folder)
    {
        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = folder });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        using var app = builder.Build();
        long httpFirst = 0, httpScan = 0;
        double httpSum = 0;
        app.Map("/table", branch => branch.Run(async http =>
        {
            using var reader = new ArrowStreamReader(http.Request.Body);
            var batches = new List<RecordBatch>();
            while (await reader.ReadNextRecordBatchAsync() is { } batch)
            {
                batches.Add(batch);
            }

            _ = ((DoubleArray)batches[0].Column(0)).Values[0];
            httpFirst = Stopwatch.GetTimestamp();
            httpSum = Sum(batches);
            httpScan = Stopwatch.GetTimestamp();
        }));
        app.StartAsync().GetAwaiter().GetResult();
        Console.WriteLine(app.Urls.First());
        using var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(SocketPath(folder)));
        Span<byte> message = stackalloc byte[64];
        while (socket.Receive(message) is > 0 and var length)
        {
            Answer answer;
            if (length > 1)
            {
                var before = CopyCounter.Total;
                using var lease = store.Get(Encoding.ASCII.GetString(message[..length]));
                _ = ((DoubleArray)lease.Batches[0].Column(0)).Values[0];
                var first = Stopwatch.GetTimestamp();
                var sum = Sum(lease.Batches);
                answer = new Answer(first, Stopwatch.GetTimestamp(), sum, CopyCounter.Total - before);
            }
            else
            {
                answer = new Answer(httpFirst, httpScan, httpSum, 0);
            }

            socket.Send(MemoryMarshal.AsBytes(new ReadOnlySpan<Answer>(in answer)));
        }

        return 0;
    }

    /// <summary>A worker's way of being told: a Unix domain socket.</summary>
    private static string SocketPath(string folder) => Path.Combine(folder, "receiver");

    private static double Sum(IReadOnlyList<RecordBatch> batches)
    {
        double sum = 0;
        foreach (var batch in batches)
        {
            for (var i = 0; i < batch.ColumnCount; i++)
            {
                sum += TensorPrimitives.Sum(((DoubleArray)batch.Column(i)).Values);
            }
        }

        return sum;
    }

    /// <summary>Small tables by the same way, often enough for the optimised tier of the compiler in both processes: stages run in warm workers.</summary>
    private static void WarmUp(ObjectStore store, Receiver receiver)
    {
        for (var i = 0; i < 2_000; i++)
        {
            var id = Build(store, 64, out var sealedAt);
            receiver.Ask(id, sealedAt);
            store.Delete(id);
        }
    }

    private static Schema Schema() =>
        new(Enumerable.Range(0, Columns).Select(i => new Field($"c{i}", DoubleType.Default, false)), null);

    private static string Build(ObjectStore store, int batchRows, out long sealedAt)
    {
        using var writer = store.Create(Schema(), (long)Columns * batchRows * Batches * sizeof(double) + (1 << 20));
        for (var i = 0; i < Batches; i++)
        {
            WriteBatch(writer, batchRows, i);
        }

        var reference = writer.Seal();
        sealedAt = Stopwatch.GetTimestamp();
        return reference.Id;
    }

    private static void WriteBatch(ObjectWriter writer, int rows, int seed)
    {
        writer.BeginBatch();
        var arrays = new IArrowArray[Columns];
        for (var c = 0; c < Columns; c++)
        {
            var memory = writer.Allocate(rows * sizeof(double));
            var values = MemoryMarshal.Cast<byte, double>(memory.Span);
            for (var r = 0; r < rows; r++)
            {
                values[r] = seed + c + (r & 1023);
            }

            arrays[c] = new DoubleArray(new ArrowBuffer(memory), ArrowBuffer.Empty, rows, 0, 0);
        }

        writer.EndBatch(rows, arrays);
    }

    private static void Post(string url, ObjectLease lease)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        using var content = new ArrowContent(lease);
        using var response = http.PostAsync(new Uri(url + "/table"), content).GetAwaiter().GetResult();
        response.EnsureSuccessStatusCode();
    }

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed class ArrowContent : HttpContent
    {
        private readonly ObjectLease _lease;

        public ArrowContent(ObjectLease lease)
        {
            _lease = lease;
            Headers.ContentType = new MediaTypeHeaderValue("application/vnd.apache.arrow.stream");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            using var writer = new ArrowStreamWriter(stream, _lease.Schema, leaveOpen: true);
            foreach (var batch in _lease.Batches)
            {
                await writer.WriteRecordBatchAsync(batch);
            }

            await writer.WriteEndAsync();
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>When the receiver had the first row and the last, in ticks of the host's clock, the sum of all values, and the bytes it copied.</summary>
    private readonly record struct Answer(long First, long Scan, double Sum, long Copied);

    private sealed class Receiver : IDisposable
    {
        /// <summary>Asks about the table that came by HTTP; anything else is an object's id.</summary>
        public const string Http = "h";

        private readonly Process _process;
        private readonly Socket _socket;

        private Receiver(Process process, Socket socket, string url) => (_process, _socket, Url) = (process, socket, url);

        public string Url { get; }

        public static Receiver Start(string folder)
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(SocketPath(folder)));
            listener.Listen();
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            {
                start.ArgumentList.Add(typeof(HandOffCase).Assembly.Location);
            }

            start.ArgumentList.Add("hand-off-receiver");
            start.ArgumentList.Add(folder);
            var process = Process.Start(start)!;
            var url = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The receiver did not start.");
            return new Receiver(process, listener.Accept(), url);
        }

        public (double FirstMs, double ScanMs, double Sum, long Copied) Ask(string what, long since)
        {
            Span<byte> message = stackalloc byte[64];
            _socket.Send(message[..Encoding.ASCII.GetBytes(what, message)]);
            Answer answer = default;
            var bytes = MemoryMarshal.AsBytes(new Span<Answer>(ref answer));
            return _socket.Receive(bytes) == bytes.Length
                ? (Stopwatch.GetElapsedTime(since, answer.First).TotalMilliseconds, Stopwatch.GetElapsedTime(since, answer.Scan).TotalMilliseconds, answer.Sum, answer.Copied)
                : throw new InvalidOperationException("The receiver has died.");
        }

        public void Dispose()
        {
            _socket.Dispose();
            _process.WaitForExit(5000);
            _process.Dispose();
        }
    }
}
