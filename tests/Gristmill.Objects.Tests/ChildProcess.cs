using System.Diagnostics;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

/// <summary>A second process that writes a segment, or maps one, and waits: this very program, told so by environment variables.</summary>
internal static class ChildProcess
{
    private const string Variable = "GRISTMILL_TEST_CHILD_IN", Mapped = "GRISTMILL_TEST_CHILD_MAPS", Small = "small", Streams = "streams", Follows = "follows:";

    /// <summary>Starts it, and returns when its segment is half written.</summary>
    public static Process StartWriter(string directory) => Start(directory, null);

    /// <summary>Starts it, and returns when it has an object mapped.</summary>
    public static Process StartReader(string directory, string id) => Start(directory, id);

    /// <summary>Starts it, and returns when it has sealed a small object and is about to write others into its slab.</summary>
    public static Process StartSlabWriter(string directory) => Start(directory, Small);

    /// <summary>Starts it, and returns when it has written three parts of a stream, of 1, 2 and 3 rows.</summary>
    public static Process StartStreamWriter(string directory) => Start(directory, Streams);

    /// <summary>Starts it, and returns when it has read one part of a stream and has been given the second.</summary>
    public static Process StartStreamReader(string directory, string stream) => Start(directory, Follows + stream);

    private static Process Start(string directory, string? mapped)
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardInput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        }

        start.Environment[Variable] = directory;
        start.Environment[Mapped] = mapped;
        var process = Process.Start(start)!;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line == "ready")
            {
                return process;
            }
        }

        process.WaitForExit();
        throw new InvalidOperationException($"It ended with {process.ExitCode}.");
    }

    [ModuleInitializer]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } directory)
        {
            return;
        }

        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = directory });
        if (Environment.GetEnvironmentVariable(Mapped) is { Length: > 0 } id)
        {
            if (id == Small)
            {
                ObjectStoreTests.Write(store, 10, 1);
                Wait();
            }

            if (id == Streams)
            {
                using var stream = store.CreateStream(ObjectStreamTests.Schema);
                for (int rows = 1; rows <= 3; rows++)
                {
                    stream.WriteAsync(ObjectStreamTests.Rows(rows)).GetAwaiter().GetResult();
                }

                Wait();
            }

            if (id.StartsWith(Follows, StringComparison.Ordinal))
            {
                using var reader = store.OpenStream(id[Follows.Length..]);
                reader.ReadAsync().GetAwaiter().GetResult()!.Dispose();
                using var second = reader.ReadAsync().GetAwaiter().GetResult();
                Wait();
            }

            using var lease = store.Get(id);
            Wait();
        }

        using var writer = store.Create(new Schema([new Field("x", Int64Type.Default, false)], null), 4 << 20);
        writer.BeginBatch();
        writer.Allocate(1 << 20).Span.Fill(1);
        Wait();
    }

    private static void Wait()
    {
        Console.WriteLine("ready");
        Console.In.ReadToEnd();
        Environment.Exit(3); // its parent is gone
    }
}
