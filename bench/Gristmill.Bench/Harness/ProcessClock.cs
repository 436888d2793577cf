using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Bench;

/// <summary>CPU time of processes as the kernel counts it, a process with all its descendants at once.</summary>
internal static class ProcessClock
{
    /// <summary>User and system seconds of a process, without its children.</summary>
    public static double CpuSeconds(int processId)
    {
        using var process = Process.GetProcessById(processId);
        return process.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>User and system seconds of a process, its live descendants, and those it has waited for.</summary>
    public static double TreeCpuSeconds(int processId)
    {
        var children = Children();
        double total = 0;
        var queue = new Queue<int>([processId]);
        while (queue.TryDequeue(out var id))
        {
            total += StatSeconds(id);
            foreach (var child in children.GetValueOrDefault(id, []))
            {
                queue.Enqueue(child);
            }
        }

        return total;
    }

    /// <summary>Page faults of a process so far that needed no disk.</summary>
    public static long MinorFaults(int processId) => Stat(processId) is { } fields ? long.Parse(fields[7], CultureInfo.InvariantCulture) : 0;

    private static Dictionary<int, List<int>> Children()
    {
        var map = new Dictionary<int, List<int>>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && Stat(id) is { } fields)
            {
                var parent = int.Parse(fields[1], CultureInfo.InvariantCulture);
                (map.TryGetValue(parent, out var list) ? list : map[parent] = []).Add(id);
            }
        }

        return map;
    }

    // Fields after the command name: state, ppid, ...; utime, stime, cutime and cstime are the 12th to 15th, in ticks of 10 ms.
    private static double StatSeconds(int id) => Stat(id) is { } f
        ? (long.Parse(f[11], CultureInfo.InvariantCulture) + long.Parse(f[12], CultureInfo.InvariantCulture) +
           long.Parse(f[13], CultureInfo.InvariantCulture) + long.Parse(f[14], CultureInfo.InvariantCulture)) / 100.0
        : 0;

    private static string[]? Stat(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
