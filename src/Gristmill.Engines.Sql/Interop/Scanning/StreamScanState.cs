using System.Collections.Concurrent;
using Apache.Arrow;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>The scan of a stream: threads take turns of 2,048 rows of the current block.</summary>
internal sealed unsafe class StreamScanState : IScanState
{
    private readonly StreamTable _table;
    private readonly int[] _columns;
    private readonly int[] _targets;
    private readonly ConvertedSchema? _schema;
    private readonly ConcurrentBag<ArrowSlice> _slices = [];
    private readonly Lock _gate = new();
    private StreamBlock? _current;
    private int _position;
    private int _blocks;
    private bool _ended;

    public StreamScanState(StreamTable table, ulong[] outputs)
    {
        _table = table;
        // Beyond the columns lie virtual ones, such as the one that stands for "any" in count(*).
        _targets = [.. Enumerable.Range(0, outputs.Length).Where(i => outputs[i] < (ulong)table.Types.Length)];
        _columns = [.. _targets.Select(i => (int)outputs[i])];
        if (_columns.Length > 0)
        {
            _schema = ConvertedSchema.Of(table.Connection, new Schema(_columns.Select(table.Schema.GetFieldByIndex), null));
        }
    }

    public void Next(nint output)
    {
        if (Turn(out var start, out var count) is not { } block)
        {
            NativeDuck.DataChunkSetSize(output, 0);
            return;
        }

        try
        {
            if (_schema is not null)
            {
                Reference(output, _schema, block, start, count);
            }

            NativeDuck.DataChunkSetSize(output, (ulong)count);
        }
        finally
        {
            block.Release();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _current?.Release();
            _current = null;
        }

        _schema?.Dispose();
        foreach (var slice in _slices)
        {
            slice.Dispose();
        }
    }

    /// <summary>The next rows; the block is acquired.</summary>
    private StreamBlock? Turn(out int start, out int count)
    {
        lock (_gate)
        {
            while (!_ended && (_current is null || _position == _current.Rows))
            {
                _current?.Release();
                _current = null;
                if (_table.Take() is { } block)
                {
                    (_current, _position) = (new StreamBlock(block, _blocks++, _columns), 0);
                }
                else
                {
                    _ended = true;
                }
            }

            if (_current is null)
            {
                (start, count) = (0, 0);
                return null;
            }

            (start, count) = (_position, Math.Min(NativeDuck.VectorSize, _current.Rows - _position));
            _position += count;
            _current.Acquire();
            return _current;
        }
    }

    private void Reference(nint output, ConvertedSchema schema, StreamBlock block, int start, int count)
    {
        if (!_slices.TryTake(out var slice))
        {
            slice = new ArrowSlice();
        }

        nint chunk = 0;
        try
        {
            if (slice.Batch != block.Number)
            {
                slice.Bind(block.Number, block.Nodes);
            }

            block.Acquire();
            chunk = SegmentScan.ToChunk(_table.Connection, schema, slice, slice.Narrow(block.Nodes, start, count, block.Handle));
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
