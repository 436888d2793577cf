using Apache.Arrow;

namespace Gristmill.Data.Execution;

/// <summary>Batches that are there, as views of as many rows as make a block.</summary>
internal sealed class BatchStage(FlowRun run, Schema schema, IReadOnlyList<RecordBatch> batches) : Stage
{
    private readonly long _total = batches.Sum(static batch => (long)batch.Length);
    private int _batch;
    private int _row;
    private long _done;

    public override Schema Schema => schema;

    protected override Block? Next()
    {
        while (_batch < batches.Count && _row == batches[_batch].Length)
        {
            (_batch, _row) = (_batch + 1, 0);
        }

        if (_batch == batches.Count)
        {
            return null;
        }

        var rows = Math.Min(BlockSize.Rows, batches[_batch].Length - _row);
        var view = rows == batches[_batch].Length ? batches[_batch] : batches[_batch].Slice(_row, rows);
        _row += rows;
        _done += rows;
        run.Progress.Input(this, (double)_done / _total, 0);
        return new Block(view, null);
    }
}

/// <summary>How large blocks are.</summary>
internal static class BlockSize
{
    /// <summary>
    /// Rows at which a block is full: what a few columns of it take stays in the processor's second cache from the reader to the last function, and what
    /// handing a block on costs is spread over enough rows.
    /// </summary>
    public const int Rows = 16_384;
}
