using System.Globalization;
using System.Text;

namespace Gristmill.Worker;

/// <summary>
/// The folder of one pool's socket, readable by its user alone: who can connect is decided by the file system. It is named
/// after the process, so that what a killed process left is known as such and removed by the next pool.
/// </summary>
internal sealed class RuntimeFolder : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private static int s_count;

    private RuntimeFolder(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The socket's path, below 108 bytes.</summary>
    public string Socket => System.IO.Path.Combine(Path, "s");

    /// <summary>Sweeps what dead processes left below the root, and makes a folder for a pool of this process.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: others can write to the root.</exception>
    public static RuntimeFolder Create(string? root)
    {
        root ??= DefaultRoot();
        MakePrivate(root);
        Sweep(root);
        var name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{StartTime(Environment.ProcessId)}-{Interlocked.Increment(ref s_count)}");
        var folder = new RuntimeFolder(System.IO.Path.Combine(root, name));
        MakePrivate(folder.Path);
        File.Delete(folder.Socket);
        return folder;
    }

    /// <inheritdoc/>
    public void Dispose() => TryDelete(Path);

    private static string DefaultRoot()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"gristmill-{LinuxProcess.UserId}");
        string?[] roots = [Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR"), System.IO.Path.GetTempPath(), "/tmp"];
        return roots
            .Where(root => !string.IsNullOrEmpty(root) && Directory.Exists(root))
            .Select(root => System.IO.Path.Combine(root!, name))
            .FirstOrDefault(path => Encoding.UTF8.GetByteCount(path) <= WorkerPoolOptionsValidator.MaxRuntimeDirectoryBytes)
            ?? System.IO.Path.Combine(System.IO.Path.GetTempPath(), name);
    }

    private static void MakePrivate(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        // An existing folder keeps its mode: one that others may enter was not made by us, and is refused.
        Directory.CreateDirectory(path, Owner);
        if (new DirectoryInfo(path).LinkTarget is not null || (File.GetUnixFileMode(path) & ~Owner) != 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The folder '{path}' for the workers' socket is a link or open to other users.",
                "Remove it, or name another one as RuntimeDirectory.");
        }
    }

    private static void Sweep(string root)
    {
        foreach (var folder in Directory.EnumerateDirectories(root))
        {
            var parts = System.IO.Path.GetFileName(folder).Split('-');
            if (parts.Length == 3 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && StartTime(pid) != parts[1])
            {
                TryDelete(folder);
            }
        }
    }

    /// <summary>Start time of a process in clock ticks since boot (field 22 of proc_pid_stat(5)): with the id it names a process for good. "0" if there is none.</summary>
    private static string StartTime(int pid)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                using var process = System.Diagnostics.Process.GetProcessById(pid);
                return process.StartTime.Ticks.ToString(CultureInfo.InvariantCulture);
            }

            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            // The second field is a name in brackets that may hold anything; after it come fields 3 and on.
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException or IndexOutOfRangeException)
        {
            return "0";
        }
    }

    private static void TryDelete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Two pools may sweep at once; the next one tries again.
        }
    }
}
