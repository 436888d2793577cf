using System.Runtime.InteropServices;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>struct flock of 64-bit systems: a lock of fcntl on a range of a file.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct FileRange
{
    public const short Write = 1;

    [FieldOffset(0)] public short Type;
    [FieldOffset(2)] public short Whence;
    [FieldOffset(8)] public long Start;
    [FieldOffset(16)] public long Length;
    [FieldOffset(24)] public int Process;
}
