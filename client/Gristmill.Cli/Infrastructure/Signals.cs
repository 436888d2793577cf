using System.Diagnostics;
using System.Globalization;

namespace Gristmill.Cli.Infrastructure;

/// <summary>Signals to other processes.</summary>
internal static class Signals
{
    /// <summary>Asks a process to stop (SIGTERM). .NET itself can only end one at once.</summary>
    public static void Terminate(int processId)
    {
        using var kill = Process.Start("kill", ["-TERM", processId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
