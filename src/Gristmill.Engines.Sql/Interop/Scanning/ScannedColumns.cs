using System.Collections.Concurrent;
using Apache.Arrow;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>The columns that a scan hands out: rows of Arrow arrays become the vectors of DuckDB's chunk, which refer to them.</summary>
internal sealed unsafe class ScannedColumns : IDisposable
{
    private readonly nint _connection;
    private readonly int[] _targets;
    private readonly ConvertedSchema? _schema;
    private readonly ConcurrentBag<ArrowSlice> _slices = [];

    /// <param name="table">What is scanned.</param>
    /// <param name="outputs">What DuckDB asks for, by number. Beyond the columns lie virtual ones, such as the one that stands for "any" in count(*).</param>
    public ScannedColumns(ScanTable table, ulong[] outputs)
    {
        _connection = table.Connection;
        _targets = [.. Enumerable.Range(0, outputs.Length).Where(i => outputs[i] < (ulong)table.Types.Length)];
        Columns = [.. _targets.Select(i => (int)outputs[i])];
        if (Columns.Length > 0)
        {
            _schema = ConvertedSchema.Of(_connection, new Schema(Columns.Select(table.Schema.GetFieldByIndex), null));
        }
    }

    /// <summary>The table's columns that are scanned, by number.</summary>
    public int[] Columns { get; }

    /// <summary>Makes a chunk refer to rows.</summary>
    /// <param name="output">DuckDB's chunk.</param>
    /// <param name="batch">Number of the batch.</param>
    /// <param name="nodes">Its <see cref="Columns"/>.</param>
    /// <param name="start">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="block">The block that is told when no vector needs it any more, or null.</param>
    public void Reference(nint output, int batch, ArrowNode[] nodes, int start, int count, StreamBlock? block = null)
    {
        if (_schema is null)
        {
            return;
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

            block?.Acquire();
            chunk = SegmentScan.ToChunk(_connection, _schema, slice, slice.Narrow(nodes, start, count, block?.Handle ?? 0));
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

    public void Dispose()
    {
        _schema?.Dispose();
        foreach (var slice in _slices)
        {
            slice.Dispose();
        }
    }
}
