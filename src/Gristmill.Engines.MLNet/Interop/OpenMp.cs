using System.Runtime.InteropServices;

namespace Gristmill.Engines.MLNet;

/// <summary>The OpenMP run time LightGBM takes.</summary>
internal static class OpenMp
{
    private static readonly bool s_prepared = Prepare();

    /// <summary>
    /// Says how threads wait (<see cref="OpenMpThreads"/>), and loads the libgomp that libtorch brings along, where it lies beside the
    /// program: LightGBM then needs none of the system, and both share one pool of threads.
    /// </summary>
    internal static bool Ready() => s_prepared;

    private static bool Prepare()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        OpenMpThreads.Configure();
        return Directory.EnumerateFiles(AppContext.BaseDirectory, "libgomp*.so*").Any(file => NativeLibrary.TryLoad(file, out _));
    }
}
