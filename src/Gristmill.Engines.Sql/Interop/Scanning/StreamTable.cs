using Apache.Arrow;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Blocks that come one after another, once.</summary>
/// <param name="schema">Their schema.</param>
/// <param name="take">The next block, which it waits for; null after the last.</param>
internal sealed class StreamTable(Schema schema, Func<SqlBlock?> take) : ScanTable(schema)
{
    private int _opened;

    public override long? Cardinality => null;

    public override int MaxThreads => Threads;

    public SqlBlock? Take() => take();

    public override IScanState Open(ulong[] columns) => Interlocked.Exchange(ref _opened, 1) == 0
        ? new StreamScanState(this, columns)
        : throw new InvalidOperationException("The rows of a stream pass once, and the query reads them twice.");

    protected override void Free()
    {
    }
}
