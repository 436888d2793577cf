using Apache.Arrow;

namespace Gristmill.Data.Execution;

/// <summary>A block in the hands of whoever asked for batches.</summary>
internal sealed class OwnedBatch(Block block) : RecordBatch(block.Batch.Schema, block.Batch.Arrays, block.Rows)
{
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            block.Release();
        }

        base.Dispose(disposing);
    }
}
