using Apache.Arrow;
using Gristmill.Objects;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// An Arrow table as ML.NET's <see cref="IDataView"/>: getters read numbers, booleans, instants and vectors where they
/// lie in the object's mapping. Text is decoded (counted under "mlnet"), null is NaN or ML.NET's missing value, and an
/// integer column with nulls is seen as floats. Dictionary columns are keys with their values as annotation.
/// </summary>
/// <remarks>
/// It holds its own share of the lease until it and the last of its cursors are disposed. Rows come in order
/// (<see cref="CanShuffle"/> is false); <see cref="GetRowCursorSet"/> deals blocks of rows to several threads.
/// </remarks>
public sealed class ArrowDataView : IDataView, IDisposable
{
    private const int BlockRows = 4096;

    private readonly ObjectLease? _lease;
    private readonly IReadOnlyList<RecordBatch> _batches;
    private readonly List<ArrowColumn> _columns = [];
    private readonly long _rows;
    private int _pins = 1;
    private int _disposed;

    private ArrowDataView(
        ObjectLease? lease, Apache.Arrow.Schema schema, IReadOnlyList<RecordBatch> batches, IReadOnlyDictionary<string, DataViewType>? types,
        CancellationToken cancellationToken)
    {
        _lease = lease;
        _batches = batches;
        Cancellation = cancellationToken;
        var builder = new DataViewSchema.Builder();
        for (var i = 0; i < schema.FieldsList.Count; i++)
        {
            var field = schema.FieldsList[i];
            if (types?.TryGetValue(field.Name, out var asked) is not true)
            {
                asked = null;
            }

            var column = new ArrowColumn(field.Name, i, field.DataType, [.. batches.Select(b => b.Column(i))], asked);
            _columns.Add(column);
            builder.AddColumn(field.Name, column.Type, column.Annotations());
        }

        Schema = builder.ToSchema();
        Blocks = [];
        foreach (var (batch, index) in batches.Select((b, i) => (b, i)))
        {
            for (var start = 0; start < batch.Length; start += BlockRows)
            {
                Blocks.Add(new RowBlock(index, start, Math.Min(BlockRows, batch.Length - start), _rows + start));
            }

            _rows += batch.Length;
        }
    }

    /// <inheritdoc/>
    public DataViewSchema Schema { get; }

    /// <inheritdoc/>
    public bool CanShuffle => false;

    internal List<RowBlock> Blocks { get; }

    internal CancellationToken Cancellation { get; }

    /// <summary>A view of an object.</summary>
    /// <param name="lease">The object; the view takes a share of its own.</param>
    /// <param name="types">ML.NET types for some columns by name, such as a boolean for a label of zeros and ones; others get their natural type.</param>
    /// <param name="cancellationToken">Ends the cursors.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>, naming a column that cannot be seen so.</exception>
    public static ArrowDataView Open(
        ObjectLease lease, IReadOnlyDictionary<string, DataViewType>? types = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        var share = lease.Share();
        try
        {
            return new ArrowDataView(share, share.Schema, share.Batches, types, cancellationToken);
        }
        catch
        {
            share.Dispose();
            throw;
        }
    }

    /// <summary>A view of one batch, which must outlive it.</summary>
    /// <inheritdoc cref="Open(ObjectLease, IReadOnlyDictionary{string, DataViewType}?, CancellationToken)"/>
    public static ArrowDataView Of(RecordBatch batch, IReadOnlyDictionary<string, DataViewType>? types = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return new ArrowDataView(null, batch.Schema, [batch], types, cancellationToken);
    }

    /// <inheritdoc/>
    public long? GetRowCount() => _rows;

    /// <inheritdoc/>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        GetRowCursorSet(columnsNeeded, 1, rand)[0];

    /// <inheritdoc/>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        ArgumentNullException.ThrowIfNull(columnsNeeded);
        var needed = columnsNeeded.Select(c => c.Index).ToHashSet();
        var cursors = new DataViewRowCursor[Math.Clamp(n, 1, Math.Max(1, Blocks.Count))];
        for (var i = 0; i < cursors.Length; i++)
        {
            Pin();
            cursors[i] = new ArrowCursor(this, [.. _columns.Select(c => needed.Contains(c.Index) ? c.Reader() : null)], _batches, i, cursors.Length);
        }

        return cursors;
    }

    /// <summary>Ends the view; its memory goes with the last cursor.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Unpin();
        }
    }

    internal void Unpin()
    {
        if (Interlocked.Decrement(ref _pins) == 0)
        {
            _lease?.Dispose();
        }
    }

    private void Pin()
    {
        int pins;
        do
        {
            pins = Volatile.Read(ref _pins);
            ObjectDisposedException.ThrowIf(pins == 0 || _disposed != 0, this);
        }
        while (Interlocked.CompareExchange(ref _pins, pins + 1, pins) != pins);
    }
}

/// <summary>Consecutive rows of one batch.</summary>
/// <param name="Batch">Which batch.</param>
/// <param name="Start">First row in it.</param>
/// <param name="Count">Number of rows.</param>
/// <param name="Position">First row in the table.</param>
internal readonly record struct RowBlock(int Batch, int Start, int Count, long Position);
