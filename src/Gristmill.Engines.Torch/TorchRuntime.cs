using Gristmill.Engines.Torch.Interop;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>
/// Loads TorchSharp and libtorch so that they work on a stock Debian 12 and run fast on shared machines. The torch engine
/// calls <see cref="EnsureLoaded"/> itself; a stage of your own that uses TorchSharp calls it once before its first use of
/// <see cref="torch"/>.
/// </summary>
/// <remarks>
/// It does, once a process, under a lock: has OpenMP threads sleep while they wait (<see cref="OpenMpThreads"/>; threads that spin
/// cost up to 15 times on a busy machine); has malloc keep the memory that a training step frees for the next step, unless a MALLOC_
/// variable of mallopt(3) or glibc.malloc in GLIBC_TUNABLES says how malloc should be; has large tensors lie in huge pages
/// (THP_MEM_ALLOC_ENABLE=0 switches this off); on AMD processors lets the MKL in libtorch use its AVX2 code (GRISTMILL_MKL_AMD=0 switches
/// this off); loads libtorch; and, where the system's libstdc++ is older than the one TorchSharp was linked with, loads a
/// copy of TorchSharp's bridge library that does not insist on it, kept under ~/.cache/gristmill/native
/// (GRISTMILL_NATIVE_CACHE names another folder). Any number of processes may do so at once.
/// </remarks>
public static class TorchRuntime
{
    private static readonly Lock Gate = new();
    private static volatile TorchRuntimeInfo? s_info;

    /// <summary>Whether libtorch is loaded in this process by <see cref="EnsureLoaded"/>.</summary>
    public static bool IsLoaded => s_info is not null;

    /// <summary>Loads libtorch if this has not happened yet; takes about half a second the first time, nothing later.</summary>
    /// <returns>What was loaded.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NativeLibrary"/>: which library failed, why, and what to do.</exception>
    public static TorchRuntimeInfo EnsureLoaded()
    {
        if (s_info is { } info)
        {
            return info;
        }

        lock (Gate)
        {
            return s_info ??= Load(NativeCache.DefaultFolder);
        }
    }

    /// <summary>Sets how many threads one torch operation may use in this process.</summary>
    /// <param name="threads">At least 1. Small models run best with 1.</param>
    public static void SetThreads(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        EnsureLoaded();
        if (torch.get_num_threads() != threads)
        {
            torch.set_num_threads(threads);
        }
    }

    private static TorchRuntimeInfo Load(string cacheFolder)
    {
        if (!OperatingSystem.IsLinux())
        {
            return Initialise("LibTorchSharp", adapted: false, hinted: false, keepsHeap: false);
        }

        OpenMpThreads.Configure();
        // The runtime's copy of the environment is not the C library's, which libtorch reads.
        _ = NativeMethods.SetEnvironment(HeapSettings.HugePages, "1", overwrite: 0);
        var keepsHeap = HeapSettings.IsWanted(Environment.GetEnvironmentVariable) && HeapSettings.TryApply();
        var hinted = MklHint.IsWanted && MklHint.TryApply(cacheFolder);
        var (handle, path, adapted) = TorchLibraries.Load(cacheFolder);
        NativeMethods.ResolveTorchSharp(handle);
        return Initialise(path, adapted, hinted, keepsHeap);
    }

    private static TorchRuntimeInfo Initialise(string path, bool adapted, bool hinted, bool keepsHeap)
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            return new TorchRuntimeInfo(torch.__version__, path, adapted, hinted, keepsHeap);
        }
        catch (Exception e) when (e is NotSupportedException or DllNotFoundException or TypeInitializationException)
        {
            throw new GristmillException(ErrorCodes.NativeLibrary,
                $"TorchSharp does not find its native library: {e.GetBaseException().Message.Split('\n')[0]}",
                "Call TorchRuntime.EnsureLoaded() before any other use of TorchSharp.", e);
        }
    }
}
