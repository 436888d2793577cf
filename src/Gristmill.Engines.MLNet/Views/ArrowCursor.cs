using Apache.Arrow;
using Gristmill.Objects;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>Walks every n-th block of a view's rows.</summary>
internal sealed class ArrowCursor : DataViewRowCursor
{
    private readonly ArrowDataView _view;
    private readonly ColumnReader?[] _readers;
    private readonly IReadOnlyList<RecordBatch> _batches;
    private readonly int _step;
    private readonly RowState _state = new();
    private int _block;
    private int _bound = -1;
    private int _left;
    private long _position = -1;
    private bool _disposed;

    internal ArrowCursor(ArrowDataView view, ColumnReader?[] readers, IReadOnlyList<RecordBatch> batches, int first, int step)
    {
        _view = view;
        _readers = readers;
        _batches = batches;
        _step = step;
        _block = first - step;
    }

    public override long Position => _position;

    public override long Batch => Math.Max(_block, 0);

    public override DataViewSchema Schema => _view.Schema;

    internal IReadOnlyList<ColumnReader?> Readers => _readers;

    public override bool IsColumnActive(DataViewSchema.Column column) => _readers[column.Index] is not null;

    public override bool MoveNext()
    {
        if (_left > 0)
        {
            _left--;
            _state.Row++;
            _position++;
            return true;
        }

        return NextBlock();
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        var reader = _readers[column.Index] ?? throw new ArgumentOutOfRangeException(nameof(column), column.Name, "The column was not asked for.");
        return reader.Getter(_state) as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' gives {reader.ValueType.Name}, not {typeof(TValue).Name}.");
    }

    public override ValueGetter<DataViewRowId> GetIdGetter()
    {
        // Parts of one cursor set share ids with a cursor over all rows.
        return (ref DataViewRowId id) => id = new DataViewRowId(
            (ulong)(_view.Blocks[_block].Position + (_state.Row - _view.Blocks[_block].Start)), 0);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _left = 0;
            _block = _view.Blocks.Count;
            CopyCounter.Add("mlnet", _readers.Sum(r => r?.Copied ?? 0));
            foreach (var reader in _readers)
            {
                reader?.Dispose();
            }

            _view.Unpin();
        }

        base.Dispose(disposing);
    }

    private bool NextBlock()
    {
        _view.Cancellation.ThrowIfCancellationRequested();
        if (_block + _step >= _view.Blocks.Count)
        {
            _position = -1;
            _block = Math.Min(_block, _view.Blocks.Count - 1);
            return false;
        }

        _block += _step;
        var block = _view.Blocks[_block];
        if (block.Batch != _bound)
        {
            for (var i = 0; i < _readers.Length; i++)
            {
                _readers[i]?.Bind(_batches[block.Batch].Column(i));
            }

            _bound = block.Batch;
        }

        _state.Row = block.Start;
        _left = block.Count - 1;
        _position++;
        return true;
    }
}
