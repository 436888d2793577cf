using System.Globalization;

namespace Gristmill.Worker;

/// <summary>How a process ended. .NET gives 128 + n as the exit code of a process that signal n ended.</summary>
/// <param name="ExitCode">As .NET gives it.</param>
internal readonly record struct WorkerExit(int ExitCode)
{
    // signal(7), the numbers that are the same on x64 and arm64.
    private static readonly string?[] Names =
    [
        null, "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV",
        "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
        "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ];

    /// <summary>The signal's name, or null where it exited by itself.</summary>
    public string? Signal => ExitCode is > 128 and < 128 + 32 ? Names[ExitCode - 128] : null;

    /// <summary>What to do about it.</summary>
    public string Hint => Signal switch
    {
        "SIGKILL" => "Often the kernel, out of memory: give the stage a memory limit, or the machine more memory.",
        "SIGSEGV" or "SIGBUS" or "SIGABRT" or "SIGILL" or "SIGFPE" => "Native code failed; the last log lines say where. Check the sizes and types that the stage hands to it.",
        _ => "The last log lines may say why.",
    };

    /// <inheritdoc/>
    public override string ToString() => Signal ?? string.Create(CultureInfo.InvariantCulture, $"exit code {ExitCode}");
}
