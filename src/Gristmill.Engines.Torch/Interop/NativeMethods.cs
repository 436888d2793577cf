using System.Runtime.InteropServices;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>What TorchSharp's public surface has no method for, and the C library's loader.</summary>
internal static unsafe partial class NativeMethods
{
    public const int LoadNow = 2;
    public const int LoadGlobal = 0x100;

    // M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD of malloc.h.
    public const int MallocTrimThreshold = -1;
    public const int MallocTopPad = -2;
    public const int MallocMapThreshold = -3;
    private const string TorchSharp = "LibTorchSharp";

    private static nint s_library;

    static NativeMethods() => NativeLibrary.SetDllImportResolver(
        typeof(NativeMethods).Assembly, static (name, _, _) => name == TorchSharp ? Volatile.Read(ref s_library) : 0);

    /// <summary>Makes imports of LibTorchSharp below resolve to the library that <see cref="TorchRuntime"/> loaded.</summary>
    public static void ResolveTorchSharp(nint library) => Volatile.Write(ref s_library, library);

    [LibraryImport("libc.so.6", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetEnvironment(string name, string value, int overwrite);

    /// <summary>0 on failure.</summary>
    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    public static partial int SetMalloc(int parameter, int value);

    // libdl.so.2 is part of glibc; since 2.34 it forwards to libc.so.6.
    [LibraryImport("libdl.so.2", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Open(string path, int flags);

    /// <summary>A tensor over foreign memory; the deleter runs when its storage dies. 0 on failure.</summary>
    [LibraryImport(TorchSharp)]
    public static partial nint THSTensor_new(
        void* data,
        delegate* unmanaged[Cdecl]<void*, void> deleter,
        long* sizes,
        int dimensions,
        sbyte type,
        sbyte requestedType,
        int deviceType,
        int deviceIndex,
        byte requiresGrad);

    [LibraryImport(TorchSharp)]
    public static partial nint THSTensor_data(nint tensor);

    [LibraryImport(TorchSharp)]
    public static partial nint THSTorch_get_and_reset_last_err();
}
