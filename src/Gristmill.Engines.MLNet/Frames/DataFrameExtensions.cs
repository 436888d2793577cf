using Apache.Arrow;
using Gristmill.Objects;
using Microsoft.Data.Analysis;

namespace Gristmill.Engines.MLNet;

/// <summary>Tables as <see cref="DataFrame"/>s of Microsoft.Data.Analysis, and back into objects.</summary>
/// <remarks>
/// A frame owns its memory and may be changed, so each value is copied once on the way in (counted under "mlnet") and written once into the segment on the way back.
/// Both know integers of 8 to 64 bits, float, double, booleans, decimals of up to 28 digits, text and instants, with nulls. A frame also takes half (as float), dates (as DateTime)
/// and dictionaries of text (as text).
/// </remarks>
public static class DataFrameExtensions
{
    private const string Bridge = "mlnet";

    /// <summary>A table of a stage as a frame.</summary>
    /// <param name="table">The table; the frame does not need it any more.</param>
    /// <param name="columns">The columns wanted, in their order; null: all.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.UnknownColumn"/>: there is no such column. <see cref="ErrorCodes.TypeMismatch"/>: a column's type, which the message names, is none of frames.
    /// <see cref="ErrorCodes.BadValue"/>: a decimal or an instant that .NET's type cannot hold. <see cref="ErrorCodes.TooLarge"/>: a column above 2 GiB.
    /// </exception>
    public static DataFrame ToDataFrame(this Dataset table, IReadOnlyList<string>? columns = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.Lease.ToDataFrame(columns);
    }

    /// <summary>An object as a frame.</summary>
    /// <param name="lease">The object; the frame does not need it any more.</param>
    /// <inheritdoc cref="ToDataFrame(Dataset, IReadOnlyList{string}?)"/>
    /// <param name="columns">The columns wanted, in their order; null: all.</param>
    public static DataFrame ToDataFrame(this ObjectLease lease, IReadOnlyList<string>? columns = null)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return ToDataFrame(lease.Batches, lease.Schema, columns);
    }

    /// <summary>Record batches as one frame.</summary>
    /// <param name="batches">Batches of one schema, in order; the frame does not need them any more.</param>
    /// <param name="schema">Their schema.</param>
    /// <param name="columns">The columns wanted, in their order; null: all.</param>
    /// <inheritdoc cref="ToDataFrame(Dataset, IReadOnlyList{string}?)"/>
    public static DataFrame ToDataFrame(this IReadOnlyList<RecordBatch> batches, Apache.Arrow.Schema schema, IReadOnlyList<string>? columns = null)
    {
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(schema);
        var fields = schema.FieldsList.ToList();
        var frame = new List<DataFrameColumn>();
        foreach (var name in columns ?? [.. fields.Select(f => f.Name)])
        {
            var index = fields.FindIndex(f => f.Name == name);
            if (index < 0)
            {
                throw new GristmillException(ErrorCodes.UnknownColumn,
                    $"Column '{name}' is missing; there are {string.Join(", ", fields.Select(f => $"'{f.Name}'"))}.").With("column", name);
            }

            frame.Add(FrameReader.Read(name, fields[index].DataType, [.. batches.Select(b => b.Column(index))], out var copied));
            CopyCounter.Add(Bridge, copied);
        }

        return new DataFrame(frame);
    }

    /// <summary>Writes a frame as an object: columns straight into its segment.</summary>
    /// <param name="store">Where the object goes.</param>
    /// <param name="frame">
    /// The frame. Its instants become timestamps in microseconds, cut; its decimals have as many digits behind the point as the most precise one of their column.
    /// </param>
    /// <returns>The object; a stage's method may return it as its table.</returns>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.TypeMismatch"/>: a column of characters, vectors or another type that tables do not have. <see cref="ErrorCodes.BadValue"/>: a decimal of more than 38 digits with
    /// those that its column has behind the point. <see cref="ErrorCodes.StoreFull"/>. The message names the column; no object is left.
    /// </exception>
    public static ObjectRef Put(this ObjectStore store, DataFrame frame)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(frame);
        var columns = frame.Columns.Select(FrameWriter.Of).ToList();
        var schema = new Apache.Arrow.Schema(columns.Select((c, i) => new Field(frame.Columns[i].Name, c.Type, frame.Columns[i].NullCount > 0)), metadata: null);
        using var writer = store.Create(schema);
        for (var start = 0L; start < frame.Rows.Count; start += FrameWriter.BatchRows)
        {
            var count = (int)Math.Min(FrameWriter.BatchRows, frame.Rows.Count - start);
            writer.BeginBatch();
            writer.EndBatch(count, [.. columns.Select(c => c.Write(writer, start, count))]);
        }

        return writer.Seal();
    }
}
