using System.Runtime.InteropServices;

namespace Gristmill.Engines.MLNet;

/// <summary>How OpenMP's threads wait, for processes whose environment does not say.</summary>
internal static partial class OpenMp
{
    private static readonly bool s_set = Set();

    /// <summary>
    /// Lets idle threads sleep instead of spinning, which on a busy machine takes the core from whoever works. libgomp
    /// reads its environment once, when it is loaded, and .NET's own environment is not the one it reads.
    /// </summary>
    internal static bool WaitPassively() => s_set;

    private static bool Set() => OperatingSystem.IsLinux() && setenv("OMP_WAIT_POLICY", "passive", 0) == 0;

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
