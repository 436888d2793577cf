using Gristmill.Engines.Sql;

namespace Gristmill.Data.Interop;

/// <summary>The buffers of one block, one behind the other in slabs. Not safe for several threads.</summary>
internal sealed class BlockMemory(FlowMemory memory) : IColumnMemory
{
    private readonly List<NativeSlab> _slabs = [];
    private NativeSlab? _open;
    private int _position;
    private int _released;

    /// <summary>Bytes of its slabs.</summary>
    public long Bytes { get; private set; }

    public Memory<byte> Allocate(int bytes)
    {
        var allocated = AllocateUninitialized(bytes);
        allocated.Span.Clear();
        return allocated;
    }

    public Memory<byte> AllocateUninitialized(int bytes)
    {
        if (bytes == 0)
        {
            return Memory<byte>.Empty;
        }

        if (bytes > FlowMemory.SlabBytes / 4)
        {
            if (_open is null || bytes > _open.Length - _position)
            {
                return Rent(bytes).Memory[..bytes];
            }
        }
        else if (_open is null || bytes > _open.Length - _position)
        {
            (_open, _position) = (Rent(FlowMemory.SlabBytes), 0);
        }

        var taken = _open.Memory.Slice(_position, bytes);
        _position = Math.Min(_open.Length, (_position + bytes + 63) & ~63);
        return taken;
    }

    public void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
        {
            foreach (var slab in _slabs)
            {
                memory.Return(slab);
            }
        }
    }

    private NativeSlab Rent(int bytes)
    {
        var slab = memory.Rent(bytes);
        _slabs.Add(slab);
        Bytes += slab.Length;
        return slab;
    }
}
