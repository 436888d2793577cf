using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Import;

/// <summary>Native memory that is freed together; what is never disposed goes with its last buffer.</summary>
internal sealed class Arena : IDisposable
{
    private readonly List<HeapMemory> _blocks = [];

    public unsafe Memory<byte> Allocate(int bytes)
    {
        var block = new HeapMemory(bytes);
        _blocks.Add(block);
        return new SegmentMemory(block, block.Pointer, bytes).Memory;
    }

    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            block.Dispose();
        }

        _blocks.Clear();
    }
}
