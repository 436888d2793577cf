using System.Globalization;
using System.Runtime.InteropServices;

namespace Gristmill.Worker;

/// <summary>What .NET has no call for: parent-death signal, priority, memory of a process. Elsewhere than on Linux the calls do nothing.</summary>
internal static partial class LinuxProcess
{
    private const int PrSetPdeathsig = 1;
    private const int PrioProcess = 0;
    private const int Sigterm = 15;
    private const int Sigkill = 9;
    private const int PrSetChildSubreaper = 36;
    private const int NoHang = 1;
    private const int ChildRounds = 100;
    private const int LeftoverRounds = 5;
    private const int ReapAfterMs = 30_000;
    private const int StandardOutput = 1;
    private const int StandardError = 2;
    private static readonly Dictionary<int, long> Unreaped = [];

    /// <summary>Asks the kernel to kill this process when the thread that started it ends (prctl(2)): the pool starts workers from a thread that lives as long as it.</summary>
    /// <returns>False if the parent is gone already.</returns>
    public static bool DieWithParent(int parent)
    {
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }

        _ = Prctl(PrSetPdeathsig, Sigkill, 0, 0, 0);
        return GetParent() == parent;
    }

    /// <summary>Lowers the calling thread's priority; on Linux children inherit it from the thread that forks.</summary>
    public static void Nice(int nice)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetPriority(PrioProcess, 0, nice);
        }
    }

    /// <summary>
    /// Sends standard error down standard output's pipe, native code's too: with two pipes the order of lines is lost, and with it
    /// which ones were the last. To be called before anything is written.
    /// </summary>
    public static void JoinOutputs()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = Duplicate(StandardOutput, StandardError);
        }
    }

    /// <summary>Writes out what native code has printed into the C library's buffers.</summary>
    public static void FlushNative()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = FlushFiles(0);
        }
    }

    /// <summary>Makes this process the kernel's first choice when memory runs out, before the silo.</summary>
    public static void RaiseOomScore(int score)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                File.WriteAllText("/proc/self/oom_score_adj", score.ToString(CultureInfo.InvariantCulture));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Some containers mount /proc read-only; the score is a preference only.
        }
    }

    /// <summary>Sends SIGTERM.</summary>
    public static void Terminate(int pid)
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = Kill(pid, Sigterm);
        }
    }

    /// <summary>
    /// Makes this process lead a session of its own, and the parent of whatever its children leave behind when they end
    /// (setsid(2), PR_SET_CHILD_SUBREAPER of prctl(2)): so they can be found and ended.
    /// </summary>
    public static void LeadChildren()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetSession();
            _ = Prctl(PrSetChildSubreaper, 1, 0, 0, 0);
        }
    }

    /// <summary>Ends all children of this process and theirs: those of a child that ends become children of this process. One call at a time.</summary>
    /// <returns>How many were ended.</returns>
    public static int EndChildren()
    {
        var ended = new HashSet<int>();
        List<int> seen = [];
        for (var round = 0; OperatingSystem.IsLinux() && round < ChildRounds; round++)
        {
            var children = Children();
            var living = children.FindAll(static child => !HasEnded(child));
            foreach (var child in living)
            {
                ended.Add(child);
                _ = Kill(child, Sigkill);
            }

            // A child hands its own children on before it ends: those of one that ended since the list was read are in the next list.
            if (living.Count == 0 && children.TrueForAll(seen.Contains))
            {
                Reap(children);
                break;
            }

            seen = children;
            Thread.Sleep(round == 0 ? 0 : 5);
        }

        return ended.Count;
    }

    /// <summary>
    /// Removes children that have ended from the kernel's table, those that this process adopted. The ones that <see cref="System.Diagnostics.Process"/>
    /// started it waits for itself, and aborts the whole process when another was faster: so only what it has left alone for long is taken.
    /// </summary>
    private static void Reap(List<int> ended)
    {
        var now = Environment.TickCount64;
        foreach (var gone in Unreaped.Keys.Except(ended).ToList())
        {
            Unreaped.Remove(gone);
        }

        foreach (var child in ended)
        {
            if (!Unreaped.TryAdd(child, now) && now - Unreaped[child] > ReapAfterMs && WaitFor(child, out _, NoHang) == child)
            {
                Unreaped.Remove(child);
            }
        }
    }

    private static bool HasEnded(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[stat.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Kills what a worker that has ended has left: the processes of its session, and those that carry its mark in their environment.</summary>
    /// <param name="session">The worker's process id, which was its session's.</param>
    /// <param name="mark">An entry "NAME=VALUE" of its environment that no other process has.</param>
    /// <returns>How many were killed.</returns>
    public static int EndLeftovers(int session, string mark)
    {
        var killed = new HashSet<int>();
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        _ = Kill(-session, Sigkill);
        var text = System.Text.Encoding.UTF8.GetBytes(mark);
        for (var round = 0; round < LeftoverRounds; round++)
        {
            var before = killed.Count;
            foreach (var folder in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                    && pid != Environment.ProcessId && Carries(folder, text) && killed.Add(pid))
                {
                    _ = Kill(pid, Sigkill);
                }
            }

            if (killed.Count == before)
            {
                break;
            }
        }

        return killed.Count;
    }

    private static bool Carries(string folder, byte[] mark)
    {
        try
        {
            return File.ReadAllBytes(Path.Combine(folder, "environ")).AsSpan().IndexOf(mark) >= 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone, or another user's.
            return false;
        }
    }

    private static List<int> Children()
    {
        var children = new List<int>();
        try
        {
            foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
            {
                children.AddRange(File.ReadAllText(Path.Combine(thread, "children"))
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(static id => int.Parse(id, CultureInfo.InvariantCulture)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A thread that has ended meanwhile; or a kernel without this list, where the worker's own end is the last resort.
        }

        return children;
    }

    /// <summary>Gives memory that native code has freed, and malloc keeps, back to the kernel (malloc_trim(3), of glibc only).</summary>
    public static void ReleaseFreedMemory()
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                _ = TrimMalloc(0);
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another C library, with a malloc of its own habits.
        }
    }

    /// <summary>The effective user id; 0 on Windows.</summary>
    public static uint UserId => OperatingSystem.IsWindows() ? 0 : GetEuid();

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Prctl(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int GetParent();

    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    private static partial int SetPriority(int which, uint who, int priority);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "fflush", SetLastError = true)]
    private static partial int FlushFiles(nint file);

    [LibraryImport("libc", EntryPoint = "setsid", SetLastError = true)]
    private static partial int SetSession();

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitFor(int pid, out int status, int options);

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int TrimMalloc(nuint pad);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Duplicate(int descriptor, int onto);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEuid();
}
