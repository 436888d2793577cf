using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>
/// On AMD processors, tells the MKL inside libtorch to use the AVX2 code that it otherwise keeps for Intel's.
/// </summary>
/// <remarks>
/// MKL asks its own exported function <c>mkl_serv_intel_cpu_true</c>; a library in the global scope that answers 1 and is
/// loaded before libtorch_cpu takes precedence. Intel does not support this; the processor must have AVX2 and FMA, which
/// is checked. GRISTMILL_MKL_AMD=0 switches it off.
/// </remarks>
internal static class MklHint
{
    /// <summary>Environment variable; "0" switches the hint off.</summary>
    public const string Variable = "GRISTMILL_MKL_AMD";

    private const string Soname = "libgristmill-mkl-amd.so";

    /// <summary>Whether this processor and the environment ask for it.</summary>
    public static bool IsWanted =>
        OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture == Architecture.X64
        && Environment.GetEnvironmentVariable(Variable) != "0"
        && Avx2.IsSupported
        && Fma.IsSupported
        && IsAmd();

    /// <summary>The library's bytes.</summary>
    public static byte[] Library() => ElfConstantLibrary.Write(Soname, "mkl_serv_intel_cpu_true", 1);

    /// <summary>Loads it into the global scope; false where it cannot be written or loaded, which costs speed only.</summary>
    public static bool TryApply(string cacheFolder)
    {
        try
        {
            return NativeMethods.Open(NativeCache.Put(cacheFolder, Soname, Library()), NativeMethods.LoadNow | NativeMethods.LoadGlobal) != 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            return false;
        }
    }

    private static bool IsAmd()
    {
        var (_, b, c, d) = X86Base.CpuId(0, 0);
        Span<int> vendor = [b, d, c];
        return Encoding.ASCII.GetString(MemoryMarshal.AsBytes(vendor)) == "AuthenticAMD";
    }
}
