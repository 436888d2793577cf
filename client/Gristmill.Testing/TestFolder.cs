using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Testing;

/// <summary>The folder of one cluster: in memory where the machine has such a place, gone with its cluster, or, if its process was killed, at a later start.</summary>
internal sealed class TestFolder : IDisposable
{
    private const string Prefix = "gristmill-test-";
    private const string SharedMemory = "/dev/shm";

    private static int s_last;
    private static int s_swept;

    private TestFolder(int number, string parent)
    {
        Number = number;
        Root = Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{number}"));
        Directory.CreateDirectory(Root);
    }

    /// <summary>Which one of this process it is, from 1.</summary>
    public int Number { get; }

    public string Root { get; }

    public string Data => Path.Combine(Root, "data");

    public string Objects => Path.Combine(Root, "objects");

    public static TestFolder Create()
    {
        var parent = Directory.Exists(SharedMemory) ? SharedMemory : Path.GetTempPath();
        if (Interlocked.Exchange(ref s_swept, 1) == 0)
        {
            Sweep(parent);
        }

        return new TestFolder(Interlocked.Increment(ref s_last), parent);
    }

    public void Dispose() => Delete(Root);

    /// <summary>Removes what killed processes left.</summary>
    private static void Sweep(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            var id = Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
            if (int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid != Environment.ProcessId && !Lives(pid))
            {
                Delete(folder);
            }
        }
    }

    private static bool Lives(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another's, or still mapped: a later start tries again.
        }
    }
}
