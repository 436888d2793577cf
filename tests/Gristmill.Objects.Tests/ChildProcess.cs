using System.Diagnostics;
using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

/// <summary>A second process that writes a segment and waits: this very program, told so by an environment variable.</summary>
internal static class ChildProcess
{
    private const string Variable = "GRISTMILL_TEST_UNSEALED_IN";

    /// <summary>Starts it, and returns when its segment is half written.</summary>
    public static Process StartWriter(string directory)
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardInput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        }

        start.Environment[Variable] = directory;
        var process = Process.Start(start)!;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line == "half written")
            {
                return process;
            }
        }

        process.WaitForExit();
        throw new InvalidOperationException($"The writer ended with {process.ExitCode}.");
    }

    [ModuleInitializer]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } directory)
        {
            return;
        }

        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = directory });
        using var writer = store.Create(new Schema([new Field("x", Int64Type.Default, false)], null), 4 << 20);
        writer.BeginBatch();
        writer.Allocate(1 << 20).Span.Fill(1);
        Console.WriteLine("half written");
        Console.In.ReadToEnd();
        Environment.Exit(3); // its parent is gone
    }
}
