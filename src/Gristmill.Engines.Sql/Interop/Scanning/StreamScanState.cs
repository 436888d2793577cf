namespace Gristmill.Engines.Sql.Interop;

/// <summary>The scan of a stream: threads take turns of 2,048 rows of the current block.</summary>
internal sealed class StreamScanState : IScanState
{
    private readonly StreamTable _table;
    private readonly ScannedColumns _columns;
    private readonly Lock _gate = new();
    private StreamBlock? _current;
    private int _position;
    private int _blocks;
    private bool _ended;

    public StreamScanState(StreamTable table, ulong[] outputs)
    {
        _table = table;
        _columns = new ScannedColumns(table, outputs);
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
            _columns.Reference(output, block.Number, block.Nodes, start, count, block);
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

        _columns.Dispose();
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
                    (_current, _position) = (new StreamBlock(block, _blocks++, _columns.Columns), 0);
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
}
