using System.Runtime.InteropServices;

namespace Gristmill.Objects.Platform;

/// <summary>Memory outside the garbage collector's, 64-byte aligned, freed when disposed or unreachable.</summary>
internal sealed unsafe class HeapMemory : MappedMemory
{
    public HeapMemory(int length)
    {
        Pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), 64);
        Length = length;
        GC.AddMemoryPressure(Math.Max(length, 1));
    }

    public byte* Pointer { get; }

    public int Length { get; }

    protected override void Release()
    {
        NativeMemory.AlignedFree(Pointer);
        GC.RemoveMemoryPressure(Math.Max(Length, 1));
    }
}
