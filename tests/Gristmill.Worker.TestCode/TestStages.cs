using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker.TestCode;

/// <summary>Stages as a user would write them, good and bad, called by the workers' tests.</summary>
public static class TestStages
{
    public enum Mood
    {
        Calm,
        Wild,
    }

    public sealed record Point(int X, double Y);

    public sealed record Scores(double Auc, double LogLoss);

    /// <summary>A stage that captures nothing, as a lambda.</summary>
    public static readonly Func<int, int> Double = x => x * 2;

    public static int Add(int a, int b = 10) => a + b;

    public static string Describe(
        string text, long big, double ratio, bool flag, DateOnly day, DateTimeOffset at, Mood mood, int[] many, Point point, Point? none, StageContext context)
    {
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{text}|{big}|{ratio}|{flag}|{day:yyyy-MM-dd}|{at:O}|{mood}|{string.Join('+', many)}|{point.X},{point.Y}|{none is null}|{context.Request.Stage}");
        throw new InvalidOperationException(line);
    }

    /// <summary>Ends once it may use so many threads, the first number, then the second, and so on; says when it has seen each.</summary>
    public static async Task WaitForThreads(int[] threads, StageContext context, IProgress<StageProgress> progress, CancellationToken cancellationToken)
    {
        foreach (var count in threads)
        {
            while (context.Threads != count)
            {
                await Task.Delay(5, cancellationToken);
            }

            progress.Report(new StageProgress(Message: $"{count} threads"));
        }
    }

    public static async Task WaitForFile(string path, IProgress<StageProgress> progress, CancellationToken cancellationToken)
    {
        progress.Report(new StageProgress(Message: "waiting"));
        while (!File.Exists(path))
        {
            await Task.Delay(5, cancellationToken);
        }
    }

    /// <summary>Logs from several threads, and one of everything.</summary>
    public static async Task LogMany(int points, int threads, StageContext context)
    {
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            for (var step = 0; step < points; step++)
            {
                Track.Metric($"loss/{thread}", step);
            }
        })));
        Track.Param("epochs", 8);
        context.Track.Param("rate", 0.1);
        Track.Tag("team", "größe ✓");
        Track.Metric("odd", double.NaN);
        Track.Metric("odd", double.NegativeInfinity, 7);
        Track.Figure("roc", "<svg xmlns='http://www.w3.org/2000/svg'/>");
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "hello");
        Track.Artifact(file, "reports/a.txt");
        File.Delete(file);
    }

    /// <summary>One pixel, which no library of ours has drawn.</summary>
    public static readonly byte[] Pixel = Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==");

    /// <summary>Draws with a class of the user's own.</summary>
    public static void DrawPng() => Track.Figure("custom/pixel", new PngFigure(Pixel));

    public static void LogAndThrow()
    {
        Track.Metric("loss", 0.25);
        throw new InvalidOperationException("after logging");
    }

    public static void LogNamed(string name) => Track.Metric(name, 1);

    /// <summary>Logs, waits until that is durable, and dies the hardest way there is.</summary>
    public static async Task LogAndDie(int points)
    {
        for (var step = 0; step < points; step++)
        {
            Track.Metric("loss", step);
        }

        await Track.FlushAsync();
        Process.GetCurrentProcess().Kill();
        await Task.Delay(Timeout.Infinite);
    }

    /// <summary>Logs, says when that is durable, and waits to be cancelled.</summary>
    public static async Task LogAndWait(int points, IProgress<StageProgress> progress, CancellationToken cancellationToken)
    {
        for (var step = 0; step < points; step++)
        {
            Track.Metric("loss", step);
        }

        await Track.FlushAsync(cancellationToken);
        progress.Report(new StageProgress(Message: "flushed"));
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    public static void Nothing()
    {
    }

    public sealed record Route(string Origin, int Flights);

    public static Route[] Routes(string origin, int count) => [.. Enumerable.Range(0, count).Select(i => new Route(origin, i))];

    public static string Colour() => "red";

    public static int CountRoutes(IReadOnlyList<Route> routes) => routes.Sum(route => route.Flights);

    public static FileInfo WriteFile(string text)
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("gm-worker-").FullName, "note.txt");
        File.WriteAllText(path, text);
        return new FileInfo(path);
    }

    public static int ReadFile(FileInput file) => file.ReadText().Length;

    /// <summary>Sums what it can of two collected lists; a missing table counts as 1,000.</summary>
    public static double SumAll(IReadOnlyList<Dataset?> tables, List<double> scores, ImmutableArray<string> names) =>
        tables.Sum(table => table?.Rows ?? 1000) + scores.Sum() + names.Sum(name => name.Length);

    public static string Exit(ExitStatus exit) => $"{exit.Status} {exit.FailedStage}";

    public static int Optional(Dataset? rows = null, double least = 7) => rows is null ? (int)least : -1;

    public static int Login(string password) => password == "open sesame" ? 1 : throw new InvalidOperationException($"'{password}' is wrong");

    public static Scores Record() => new(0.75, 0.5);

    public static async Task<Dictionary<string, double>> Numbers(CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        return new Dictionary<string, double> { ["a"] = 1, ["b"] = double.NaN };
    }

    public static ValueTask<(RecordBatch Rows, int Count)> Both() => ValueTask.FromResult((Batch(3), 3));

    public static IEnumerable<RecordBatch> Sequence(int batches, int rows)
    {
        for (var at = 0; at < batches; at++)
        {
            yield return Batch(rows);
        }
    }

    public static double Sum(Dataset data) =>
        data.Column("value").Cast<Int64Array>().Sum(array => array.Values.ToArray().Sum());

    public static ObjectRef PassOn(Dataset data) => data.Ref;

    public static Action NotAnOutput() => static () => { };

    public static T Generic<T>(T value) => value;

    public static int Overloaded(int a) => a;

    public static int Overloaded(string a) => a.Length;

    public static async Task Report(IProgress<StageProgress> progress, CancellationToken cancellationToken)
    {
        for (var step = 1; step <= 3; step++)
        {
            progress.Report(new StageProgress(step / 3.0, $"step {step}"));
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public static int Throws(int depth) =>
        depth == 0 ? throw new InvalidOperationException("the mill is broken\nwith a second line") : Throws(depth - 1) + 1;

    public static void ThrowsNoFile() => throw new FileNotFoundException("no such parcel");

    public static async Task WaitForToken(IProgress<StageProgress> progress, CancellationToken cancellationToken)
    {
        progress.Report(new StageProgress(null, "waiting"));
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }

    /// <summary>Stands for native code that cannot be interrupted.</summary>
    public static void IgnoreToken(IProgress<StageProgress> progress)
    {
        progress.Report(new StageProgress(null, "waiting"));
        using var never = new ManualResetEventSlim();
        never.Wait();
    }

    public static void KillSelf(IProgress<StageProgress> progress)
    {
        for (var line = 1; line <= 60; line++)
        {
            Console.WriteLine($"line {line}");
        }

        Console.Error.WriteLine("last words");
        progress.Report(new StageProgress(null, "dying"));
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    public static void KillSelfWriting(StageContext context)
    {
        using var writer = context.Objects.Create(Batch(1).Schema, 1 << 20);
        writer.Append(Batch(1000));
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    public static void ExitSelf() => Environment.Exit(3);

    /// <summary>A null pointer given to native code: the crash that no try can catch.</summary>
    public static long NativeCrash() => StringLength(1);

    public static int ManagedCrash() => Marshal.ReadInt32(unchecked((nint)0x7000_0000_0000));

    public static int ManagedMemory()
    {
        var held = new List<byte[]>();
        while (true)
        {
            var block = new byte[8 << 20];
            block.AsSpan().Fill(1);
            held.Add(block);
        }
    }

    public static unsafe void NativeMemoryHog(CancellationToken cancellationToken)
    {
        var held = new List<nint>();
        try
        {
            while (held.Count < 200)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var block = NativeMemory.Alloc(8 << 20);
                new Span<byte>(block, 8 << 20).Fill(1);
                held.Add((nint)block);
            }

            cancellationToken.WaitHandle.WaitOne();
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            held.ForEach(block => NativeMemory.Free((void*)block));
        }
    }

    /// <summary>Frees 256 MiB that malloc cannot give back by itself, since what is allocated last stays; returns its own memory before it ends, in bytes.</summary>
    public static unsafe long NativeMemoryFreed()
    {
        const int Size = 64 << 10;
        var blocks = new nint[4096];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)NativeMemory.Alloc(Size);
            new Span<byte>((void*)blocks[i], Size).Fill(1);
        }

        _ = NativeMemory.Alloc(Size);
        foreach (var block in blocks)
        {
            NativeMemory.Free((void*)block);
        }

        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>Stands for a silo: a process with a pool of its own.</summary>
    public static async Task HostPool(string objects, string content, string runtime, IProgress<StageProgress> progress)
    {
        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = objects });
        await using var pool = new WorkerStageExecutor(store, new ContentStore(content), new WorkerPoolOptions { RuntimeDirectory = runtime });
        await pool.WarmUpAsync();
        progress.Report(new StageProgress(null, pool.Workers[0].ProcessId.ToString(CultureInfo.InvariantCulture)));
        await Task.Delay(Timeout.Infinite);
    }

    /// <summary>Prints from this thread, another, and the error stream, the last line without an end.</summary>
    public static async Task Print(string text, StageContext context)
    {
        Console.WriteLine($"{text} 1");
        await Task.Run(() => context.Log($"{text} 2"));
        Console.Error.WriteLine($"{text} 3 \u00e4");
        Console.Write($"{text} end");
    }

    /// <summary>Tells what it must not tell in every way there is, at last in its error.</summary>
    public static async Task Tell(string secret, StageContext context)
    {
        Console.WriteLine($"printed {secret}");
        Console.Error.WriteLine($"complained {secret}");
        await Task.Run(() => context.Log($"logged {secret}"));
        Console.Write($"ended {secret}");
        Track.Param("key", $"param {secret}");
        Track.Tag("key", $"tag {secret}");
        throw new InvalidOperationException($"threw {secret}");
    }

    /// <summary>Prints lines of 64 bytes, which count up.</summary>
    public static void PrintMuch(long lines)
    {
        using var output = Console.OpenStandardOutput();
        var buffer = new byte[64 * 1024];
        for (long line = 0; line < lines;)
        {
            var count = (int)Math.Min(1024, lines - line);
            for (var i = 0; i < count; i++, line++)
            {
                var text = buffer.AsSpan(i * 64, 64);
                text.Fill((byte)'.');
                System.Buffers.Text.Utf8Formatter.TryFormat(line, text, out _);
                text[63] = (byte)'\n';
            }

            output.Write(buffer, 0, count * 64);
        }
    }

    /// <summary>Leaves processes behind: one in a session of its own, one whose parent has ended, one that still has it.</summary>
    public static void Fork(string seconds, bool die)
    {
        using var shell = Process.Start("sh", ["-c", $"setsid sleep {seconds} & (sleep {seconds} &) ; exit 0"]);
        shell.WaitForExit();
        using var child = Process.Start("sleep", [seconds]);
        if (die)
        {
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }

    /// <summary>Counts, saving each number, and dies at one unless it began there; returns where it began.</summary>
    public static async Task<int> Count(int to, int dieAt, StageContext context, CancellationToken cancellationToken)
    {
        var begin = await context.Checkpoint.TryLoadJsonAsync<int>(cancellationToken);
        for (var n = begin; n < to; n++)
        {
            await context.Checkpoint.SaveJsonAsync(n, cancellationToken);
            if (n == dieAt && begin != dieAt)
            {
                Process.GetCurrentProcess().Kill();
                Thread.Sleep(Timeout.Infinite);
            }
        }

        return begin;
    }

    /// <summary>Gives heartbeats for a while, and then none.</summary>
    public static async Task Beat(int times, bool thenStop, StageContext context, CancellationToken cancellationToken)
    {
        for (var i = 0; i < times; i++)
        {
            context.Heartbeat();
            await Task.Delay(60, cancellationToken);
        }

        await Task.Delay(thenStop ? Timeout.Infinite : 0, cancellationToken);
    }

    public static int ProcessId() => Environment.ProcessId;

    public static int Threads(StageContext context) => context.Threads;

    private static RecordBatch Batch(int rows) =>
        new(new Schema([new Field("value", Int64Type.Default, nullable: false)], null),
            [new Int64Array.Builder().AppendRange(Enumerable.Range(0, rows).Select(i => (long)i)).Build()], rows);

    [DllImport("libc", EntryPoint = "strlen", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint StringLength(nint text);
}

/// <summary>A figure that is a picture of another library.</summary>
public sealed class PngFigure(byte[] png) : IFigure
{
    public string Extension => "png";

    public void Write(Stream destination) => destination.Write(png);
}
