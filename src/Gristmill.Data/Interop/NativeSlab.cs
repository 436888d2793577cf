using System.Buffers;
using System.Runtime.ConstrainedExecution;
using System.Runtime.InteropServices;

namespace Gristmill.Data.Interop;

/// <summary>A piece of native memory, 64-byte aligned. Freed when disposed, or once nothing refers to it where somebody forgot.</summary>
internal sealed unsafe class NativeSlab(int length) : MemoryManager<byte>
{
    private readonly Allocation _allocation = new(length);

    public int Length => length;

    public override Span<byte> GetSpan() => new(_allocation.Start, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_allocation.Start + elementIndex, pinnable: this);

    public override void Unpin()
    {
    }

    public void Free() => _allocation.Dispose();

    protected override void Dispose(bool disposing) => Free();

    private sealed class Allocation(int length) : CriticalFinalizerObject, IDisposable
    {
        private byte* _start = (byte*)NativeMemory.AlignedAlloc((nuint)length, 64);

        ~Allocation() => NativeMemory.AlignedFree(_start);

        public byte* Start
        {
            get
            {
                ObjectDisposedException.ThrowIf(_start is null, this);
                return _start;
            }
        }

        public void Dispose()
        {
            NativeMemory.AlignedFree(_start);
            _start = null;
            GC.SuppressFinalize(this);
        }
    }
}
