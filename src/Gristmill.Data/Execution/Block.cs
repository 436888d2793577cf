using Apache.Arrow;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Execution;

/// <summary>Some rows on their way. Whoever takes one releases it.</summary>
internal class Block(RecordBatch batch, BlockMemory? memory, Block? behind = null, ForeignBytes? foreign = null)
{
    public RecordBatch Batch { get; } = batch;

    public int Rows => Batch.Length;

    /// <summary>Bytes that it keeps from being used again; none where it is a view over shared memory.</summary>
    public long Bytes { get; } = (memory?.Bytes ?? 0) + (behind?.Bytes ?? 0) + (foreign?.Bytes ?? 0);

    /// <summary>Number of its first row among those of its stage, from 0.</summary>
    public long FirstRow { get; set; }

    /// <summary>Counts the rows of the parts before its own, if its rows are counted from the start of a part; asked for only where something went wrong.</summary>
    public Func<long>? RowsBefore { get; set; }

    /// <summary>A row's number among all.</summary>
    public long Number(int row) => FirstRow + (RowsBefore?.Invoke() ?? 0) + row;

    public void Release()
    {
        memory?.Release();
        behind?.Release();
        foreign?.Release();
    }
}
