namespace Gristmill.Engines.Sql.Interop;

/// <summary>A scan of batches that are all there: which columns, and the next chunk to hand out.</summary>
internal sealed unsafe class SegmentScanState : IScanState
{
    private readonly SegmentTable _table;
    private readonly ScannedColumns _columns;
    private readonly int _labelTarget = -1;
    private long _next;

    public SegmentScanState(SegmentTable table, ulong[] outputs)
    {
        _table = table;
        _columns = new ScannedColumns(table, outputs);
        if (table.Label is not null)
        {
            // The first behind the columns.
            _labelTarget = Array.IndexOf(outputs, (ulong)table.Types.Length);
        }
    }

    public void Next(nint output)
    {
        var chunk = Interlocked.Increment(ref _next) - 1;
        if (chunk >= _table.Chunks)
        {
            NativeDuck.DataChunkSetSize(output, 0);
            return;
        }

        var (batch, start, count) = _table.Chunk(chunk);
        var nodes = new ArrowNode[_columns.Columns.Length];
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i] = _table.Node(batch, _columns.Columns[i]);
        }

        _columns.Reference(output, batch, nodes, start, count);

        if (_labelTarget >= 0)
        {
            var labels = (long*)NativeDuck.VectorGetData(NativeDuck.DataChunkGetVector(output, (ulong)_labelTarget));
            var row = _table.FirstRow[batch] + start;
            for (var i = 0; i < count; i++)
            {
                labels[i] = _table.Label!(row + i);
            }
        }

        NativeDuck.DataChunkSetSize(output, (ulong)count);
        _table.Progress?.Advance(count);
    }

    public void Dispose() => _columns.Dispose();
}
