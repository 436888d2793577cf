using Gristmill.Data.Interop;

namespace Gristmill.Data.Execution;

/// <summary>Memory of somebody else's that counts while blocks over it are on their way.</summary>
internal sealed class ForeignBytes
{
    private readonly FlowMemory _memory;
    private readonly long _bytes;
    private int _blocks;

    /// <param name="memory">What counts it.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="blocks">Blocks over it, each of which releases it once.</param>
    public ForeignBytes(FlowMemory memory, long bytes, int blocks = 1)
    {
        (_memory, _bytes, _blocks) = (memory, bytes, blocks);
        Bytes = bytes / blocks;
        memory.Count(bytes);
    }

    /// <summary>Bytes of each block.</summary>
    public long Bytes { get; }

    public void Release()
    {
        if (Interlocked.Decrement(ref _blocks) == 0)
        {
            _memory.Count(-_bytes);
        }
    }
}
