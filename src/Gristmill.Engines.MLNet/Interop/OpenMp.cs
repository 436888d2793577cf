using System.Runtime.InteropServices;

namespace Gristmill.Engines.MLNet;

/// <summary>The OpenMP run time LightGBM takes, and how its threads wait.</summary>
internal static partial class OpenMp
{
    private static readonly bool s_prepared = Prepare();

    /// <summary>
    /// Lets idle threads sleep instead of spinning, which on a busy machine takes the core from whoever works (libgomp
    /// reads its environment once, when it is loaded, and .NET's own environment is not the one it reads), and loads the
    /// libgomp that libtorch brings along, where it lies beside the program: LightGBM then needs none of the system, and
    /// both share one pool of threads.
    /// </summary>
    internal static bool Ready() => s_prepared;

    private static bool Prepare()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        _ = setenv("OMP_WAIT_POLICY", "passive", 0);
        return Directory.EnumerateFiles(AppContext.BaseDirectory, "libgomp*.so*").Any(file => NativeLibrary.TryLoad(file, out _));
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
