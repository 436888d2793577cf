using System.Collections.Concurrent;
using Apache.Arrow;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>A scan of batches that are all there: which columns, and the next chunk to hand out.</summary>
internal sealed unsafe class SegmentScanState : IScanState
{
    private readonly SegmentTable _table;
    private readonly int[] _columns;
    private readonly int[] _targets;
    private readonly int _partitionTarget = -1;
    private readonly ConvertedSchema? _schema;
    private readonly ConcurrentBag<ArrowSlice> _slices = [];
    private long _next;

    public SegmentScanState(SegmentTable table, ulong[] outputs)
    {
        _table = table;
        var columns = new List<int>(outputs.Length);
        var targets = new List<int>(outputs.Length);
        for (var i = 0; i < outputs.Length; i++)
        {
            // Beyond the columns lie virtual ones, such as the one that stands for "any" in count(*).
            if (outputs[i] < (ulong)table.Types.Length)
            {
                columns.Add((int)outputs[i]);
                targets.Add(i);
            }
            else if (outputs[i] == (ulong)table.Types.Length && table.Partition is not null)
            {
                _partitionTarget = i;
            }
        }

        _columns = [.. columns];
        _targets = [.. targets];
        if (_columns.Length > 0)
        {
            _schema = ConvertedSchema.Of(table.Connection, new Schema(_columns.Select(table.Schema.GetFieldByIndex), null));
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
        if (_schema is not null)
        {
            Reference(output, _schema, batch, start, count);
        }

        if (_partitionTarget >= 0)
        {
            var parts = (sbyte*)NativeDuck.VectorGetData(NativeDuck.DataChunkGetVector(output, (ulong)_partitionTarget));
            var row = _table.FirstRow[batch] + start;
            for (var i = 0; i < count; i++)
            {
                parts[i] = _table.Partition!.Of(row + i);
            }
        }

        NativeDuck.DataChunkSetSize(output, (ulong)count);
        _table.Progress?.Advance(count);
    }

    public void Dispose()
    {
        _schema?.Dispose();
        foreach (var slice in _slices)
        {
            slice.Dispose();
        }
    }

    private void Reference(nint output, ConvertedSchema schema, int batch, int start, int count)
    {
        var nodes = new ArrowNode[_columns.Length];
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i] = _table.Node(batch, _columns[i]);
        }

        if (!_slices.TryTake(out var slice))
        {
            slice = new ArrowSlice();
        }

        nint chunk = 0;
        try
        {
            if (slice.Batch != batch)
            {
                slice.Bind(batch, nodes);
            }

            chunk = SegmentScan.ToChunk(_table.Connection, schema, slice, slice.Narrow(nodes, start, count));
            for (var i = 0; i < _targets.Length; i++)
            {
                NativeDuck.VectorReferenceVector(
                    NativeDuck.DataChunkGetVector(output, (ulong)_targets[i]),
                    NativeDuck.DataChunkGetVector(chunk, (ulong)i));
            }
        }
        finally
        {
            if (chunk != 0)
            {
                NativeDuck.DestroyDataChunk(ref chunk);
            }

            _slices.Add(slice);
        }
    }
}
