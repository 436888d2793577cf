using System.Buffers;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>A block that is being scanned. It goes back once the scan has left it and DuckDB has dropped every vector over it.</summary>
internal sealed class StreamBlock
{
    private readonly SqlBlock _block;
    private readonly List<MemoryHandle> _pins = [];
    private readonly GCHandle _handle;
    private int _references = 1;

    public StreamBlock(SqlBlock block, int number, ReadOnlySpan<int> columns)
    {
        _block = block;
        Number = number;
        Rows = block.Batch.Length;
        Nodes = new ArrowNode[columns.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            Nodes[i] = ArrowNode.Of(block.Batch.Column(columns[i]).Data, _pins);
        }

        _handle = GCHandle.Alloc(this);
    }

    public int Number { get; }

    public int Rows { get; }

    /// <summary>The columns that are scanned.</summary>
    public ArrowNode[] Nodes { get; }

    public nint Handle => GCHandle.ToIntPtr(_handle);

    public void Acquire() => Interlocked.Increment(ref _references);

    /// <summary>Called from DuckDB's destructors too: nothing is thrown.</summary>
    public static void Release(nint handle) => ((StreamBlock)GCHandle.FromIntPtr(handle).Target!).Release();

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
        {
            return;
        }

        foreach (var pin in _pins)
        {
            pin.Dispose();
        }

        _handle.Free();
        _block.Release?.Invoke();
    }
}
