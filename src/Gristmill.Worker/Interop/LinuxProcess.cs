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
    private const int StandardOutput = 1;
    private const int StandardError = 2;

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

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int TrimMalloc(nuint pad);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Duplicate(int descriptor, int onto);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEuid();
}
