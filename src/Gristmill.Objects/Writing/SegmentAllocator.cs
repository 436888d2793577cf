using System.Buffers;
using Apache.Arrow.Memory;

namespace Gristmill.Objects.Writing;

/// <summary>Lets Arrow's builders allocate inside the batch being written. Nothing is freed before the segment is.</summary>
internal sealed class SegmentAllocator(ObjectWriter writer) : MemoryAllocator(64)
{
    protected override IMemoryOwner<byte> AllocateInternal(int length, out int bytesAllocated)
    {
        bytesAllocated = length;
        return new Owner(writer.Allocate(length));
    }

    private sealed class Owner(Memory<byte> memory) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => memory;

        public void Dispose() { }
    }
}
