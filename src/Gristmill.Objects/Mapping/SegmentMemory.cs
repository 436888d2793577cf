using System.Buffers;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Mapping;

/// <summary>A range of mapped memory. It keeps the mapping from being finalised, and refuses access once it is unmapped.</summary>
internal sealed unsafe class SegmentMemory(MappedMemory owner, byte* start, int length) : MemoryManager<byte>
{
    public override Memory<byte> Memory => CreateMemory(length);

    public override Span<byte> GetSpan()
    {
        // Touching unmapped pages would end the process; a use after dispose is an exception instead.
        ObjectDisposedException.ThrowIf(owner.IsReleased, owner);
        return new Span<byte>(start, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)length);
        ObjectDisposedException.ThrowIf(owner.IsReleased, owner);
        owner.CountPin(1);
        return new MemoryHandle(start + elementIndex, default, this);
    }

    public override void Unpin() => owner.CountPin(-1);

    protected override void Dispose(bool disposing) { }
}
