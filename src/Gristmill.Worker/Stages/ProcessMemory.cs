using System.Buffers.Text;
using System.Globalization;

namespace Gristmill.Worker;

/// <summary>Memory of a process, read from /proc/PID/status (proc_pid_status(5)), in bytes; 0 where it cannot be told.</summary>
/// <param name="Anonymous">RssAnon: resident memory of its own; mapped files and shared segments do not count.</param>
/// <param name="Resident">VmRSS: all resident pages.</param>
/// <param name="Peak">VmHWM: the most VmRSS has been.</param>
internal readonly record struct ProcessMemory(long Anonymous, long Resident, long Peak)
{
    /// <summary>Reads it for this process.</summary>
    public static ProcessMemory Self()
    {
        var read = Read("/proc/self/status");
        return read.Peak > 0 ? read : new(Environment.WorkingSet, Environment.WorkingSet, Environment.WorkingSet);
    }

    /// <summary>Reads it for another process; all zero once it is gone.</summary>
    public static ProcessMemory Of(int pid) => Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status"));

    /// <summary>Sets this process's VmHWM back to VmRSS, so that the next attempt's peak is its own (proc_pid_clear_refs(5)).</summary>
    public static void ResetPeak()
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                File.WriteAllText("/proc/self/clear_refs", "5");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The peak is then the worker's since its start, which is an upper bound.
        }
    }

    private static ProcessMemory Read(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return default;
        }

        Span<byte> text = stackalloc byte[4096];
        try
        {
            using var file = File.OpenHandle(path);
            text = text[..RandomAccess.Read(file, text, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }

        return new(Value(text, "RssAnon:"u8), Value(text, "VmRSS:"u8), Value(text, "VmHWM:"u8));
    }

    private static long Value(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name)
    {
        var at = text.IndexOf(name);
        if (at < 0)
        {
            return 0;
        }

        text = text[(at + name.Length)..].TrimStart("\t "u8);
        return Utf8Parser.TryParse(text, out long kibibytes, out _) ? kibibytes << 10 : 0;
    }
}
