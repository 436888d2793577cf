using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using Gristmill.Engines;

namespace Gristmill.Worker;

/// <summary>Starts the worker program that lies beside this assembly.</summary>
internal static class WorkerLauncher
{
    /// <summary>The environment variable that marks a worker and all that it starts.</summary>
    public const string MarkVariable = "GRISTMILL_WORKER";

    /// <summary>Starts it and tells it its settings.</summary>
    /// <param name="settings">Given as one line on standard input, which is then closed.</param>
    /// <param name="heapBytes">Limit of the managed heap.</param>
    /// <param name="environment">More environment variables.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Internal"/>: the program is not there.</exception>
    public static Process Start(WorkerSettings settings, long heapBytes, IReadOnlyDictionary<string, string> environment)
    {
        var program = typeof(WorkerLauncher).Assembly.Location;
        var start = new ProcessStartInfo(DotNet())
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (var argument in (string[])["exec", .. HostFiles(program), program])
        {
            start.ArgumentList.Add(argument);
        }

        SetEnvironment(start, settings, heapBytes, environment);
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.WriteLine(JsonSerializer.Serialize(settings, WorkerJson.Default.WorkerSettings));
            process.StandardInput.Close();
            return process;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            throw new GristmillException(ErrorCodes.Internal, $"The worker program '{program}' cannot be started: {e.Message}",
                "Run 'mill doctor'; publish Gristmill.Worker.dll with its .runtimeconfig.json and .deps.json beside the silo.", e);
        }
    }

    /// <summary>
    /// A package brings the worker's assembly alone into a host's folder: without files of its own beside it, it runs with the frameworks and
    /// the libraries of the host, whose files name all that the worker has.
    /// </summary>
    private static string[] HostFiles(string program)
    {
        if (File.Exists(Path.ChangeExtension(program, ".runtimeconfig.json")) || Assembly.GetEntryAssembly()?.GetName().Name is not { } host)
        {
            return [];
        }

        var files = Path.Combine(AppContext.BaseDirectory, host);
        return File.Exists(files + ".runtimeconfig.json") ? ["--runtimeconfig", files + ".runtimeconfig.json", "--depsfile", files + ".deps.json"] : [];
    }

    private static void SetEnvironment(ProcessStartInfo start, WorkerSettings settings, long heapBytes, IReadOnlyDictionary<string, string> environment)
    {
        var variables = start.Environment;
        var threads = settings.Threads.ToString(CultureInfo.InvariantCulture);
        // Engines set their threads per attempt; this bounds the pools of those that only look here.
        variables["OMP_NUM_THREADS"] = threads;
        foreach (var (name, value) in OpenMpThreads.Environment)
        {
            variables[name] = value;
        }

        // glibc keeps an arena per thread, eight per core: memory that native engines free would stay spread over them.
        variables["MALLOC_ARENA_MAX"] = "2";
        // A managed heap that outgrows the limit is an OutOfMemoryException with a stack, which says more than a kill.
        variables["DOTNET_GCHeapHardLimit"] = heapBytes.ToString("x", CultureInfo.InvariantCulture);
        // One heap, not one per core; and no thread that collects beside the attempt, whose threads are budgeted.
        variables["DOTNET_gcServer"] = "0";
        variables["DOTNET_gcConcurrent"] = "0";
        // Workers live for few managed instructions: counting them for a second compilation costs more than it brings.
        variables["DOTNET_TieredPGO"] = "0";
        // Compiled code is mapped once, writable and executable: a fresh worker's first second is a tenth shorter. What it guards against, code
        // that comes from outside, is what a worker is for.
        variables["DOTNET_EnableWriteXorExecute"] = "0";
        // A crash is reported with the signal and the log; a core file of a process full of mapped data fills the disk.
        variables["DOTNET_DbgEnableMiniDump"] = "0";
        // These belong to the silo's own process.
        variables.Remove("DOTNET_STARTUP_HOOKS");
        variables.Remove("ASPNETCORE_URLS");
        foreach (var (name, value) in environment)
        {
            variables[name] = value;
        }
    }

    /// <summary>The dotnet that runs this process: its shared framework lies in DOTNET/shared/Microsoft.NETCore.App/VERSION.</summary>
    private static string DotNet()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        if (Path.GetFileName(Environment.ProcessPath) == name)
        {
            return Environment.ProcessPath!;
        }

        var root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var beside = Path.Combine(root, name);
        return File.Exists(beside) ? beside : name;
    }
}
