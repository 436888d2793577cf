using System.Runtime.InteropServices;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>64 zero bytes that live as long as the process: what an empty buffer points at.</summary>
internal static unsafe class ZeroBlock
{
    public static nint Address { get; } = (nint)NativeMemory.AllocZeroed(64);
}
