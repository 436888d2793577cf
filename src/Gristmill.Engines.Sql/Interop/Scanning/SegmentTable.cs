using System.Buffers;
using Apache.Arrow;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// Record batches that are all there, and who keeps their memory alive.
/// </summary>
internal sealed class SegmentTable : ScanTable
{
    /// <summary>Name of the column of labels; it comes behind those of the table, whatever their names are.</summary>
    public const string LabelColumn = "gristmill_label";

    private readonly IDisposable? _owner;
    private readonly long[] _firstChunk;
    private readonly ArrowNode?[] _nodes;
    private readonly List<MemoryHandle> _pins = [];
    private readonly Lock _gate = new();

    /// <param name="schema">Schema of the batches.</param>
    /// <param name="batches">The rows.</param>
    /// <param name="owner">Keeps the memory of the batches; disposed with this table.</param>
    /// <param name="label">Adds a last column with a number for each row, made of the row's own number from 0 on: its part in a split, its place. Called by several threads.</param>
    public SegmentTable(Schema schema, IReadOnlyList<RecordBatch> batches, IDisposable? owner, Func<long, long>? label = null)
        : base(schema)
    {
        Batches = batches;
        Label = label;
        _owner = owner;
        _nodes = new ArrowNode?[batches.Count * schema.FieldsList.Count];
        _firstChunk = new long[batches.Count + 1];
        FirstRow = new long[batches.Count + 1];
        for (var i = 0; i < batches.Count; i++)
        {
            _firstChunk[i + 1] = _firstChunk[i] + ((batches[i].Length + NativeDuck.VectorSize - 1) / NativeDuck.VectorSize);
            FirstRow[i + 1] = FirstRow[i] + batches[i].Length;
        }
    }

    public IReadOnlyList<RecordBatch> Batches { get; }

    public Func<long, long>? Label { get; }

    public long[] FirstRow { get; }

    public long Rows => FirstRow[^1];

    public long Chunks => _firstChunk[^1];

    public override bool HasLabel => Label is not null;

    public override long? Cardinality => Rows;

    public override int MaxThreads => (int)Math.Clamp(Chunks, 1, Threads);

    public override IScanState Open(ulong[] columns)
    {
        Progress?.Begin(Rows);
        return new SegmentScanState(this, columns);
    }

    /// <summary>The batch and first row of a chunk of up to 2,048 rows.</summary>
    public (int Batch, int Start, int Count) Chunk(long chunk)
    {
        var batch = System.Array.BinarySearch(_firstChunk, chunk);
        if (batch < 0)
        {
            batch = ~batch - 1;
        }

        // Batches without rows share their first chunk with the batch after them.
        while (_firstChunk[batch + 1] == _firstChunk[batch])
        {
            batch++;
        }

        var start = (int)(chunk - _firstChunk[batch]) * NativeDuck.VectorSize;
        return (batch, start, Math.Min(NativeDuck.VectorSize, Batches[batch].Length - start));
    }

    /// <summary>Resolved addresses of one column of one batch.</summary>
    public ArrowNode Node(int batch, int column)
    {
        ref var slot = ref _nodes[(batch * Schema.FieldsList.Count) + column];
        if (Volatile.Read(ref slot) is { } known)
        {
            return known;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            slot ??= ArrowNode.Of(Batches[batch].Column(column).Data, _pins);
            return slot;
        }
    }

    protected override void Free()
    {
        lock (_gate)
        {
            foreach (var pin in _pins)
            {
                pin.Dispose();
            }
        }

        _owner?.Dispose();
    }
}
