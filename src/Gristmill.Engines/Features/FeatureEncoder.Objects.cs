using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Features;
using Gristmill.Objects;

namespace Gristmill.Engines;

public sealed partial class FeatureEncoder
{
    /// <summary>Name of the matrix column of an encoded object.</summary>
    public const string FeaturesColumn = "features";

    /// <summary>Name of the label column of an encoded object.</summary>
    public const string LabelColumn = "label";

    /// <summary>Name of the column of <see cref="EncodeDistinctTo"/> that says how many rows a row stands for.</summary>
    public const string WeightColumn = "weight";

    /// <summary>
    /// Encodes a table into a new object with one batch of two columns: "features", a fixed-size list of Width floats
    /// (row-major, contiguous: a matrix to torch, LightGBM, ONNX Runtime and ML.NET without a copy), and, if a label is
    /// named, "label", float. Only a matrix above 2 GiB takes several batches.
    /// </summary>
    /// <param name="store">Where the object goes.</param>
    /// <param name="table">Rows with the columns of <see cref="Inputs"/>.</param>
    /// <param name="label">Label column, or null. Classes are those of <see cref="Label"/> if it is that column.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row; store_full.</exception>
    public ObjectRef EncodeTo(ObjectStore store, IReadOnlyList<RecordBatch> table, string? label) =>
        EncodeTo(store, table, label is null ? null : Label?.Name == label ? Label : LabelEncoder.Fit(table, label), threads: 1, progress: null, CancellationToken.None);

    /// <summary>Encodes a table into a new object, ranges of rows side by side.</summary>
    /// <param name="store">Where the object goes.</param>
    /// <param name="table">Rows with the columns of <see cref="Inputs"/>.</param>
    /// <param name="label">How to read the label, or null for none.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="progress">Receives the share of rows done, 0 to 1, from any thread.</param>
    /// <param name="cancellationToken">Ends the work; nothing remains.</param>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row; store_full.</exception>
    public ObjectRef EncodeTo(ObjectStore store, IReadOnlyList<RecordBatch> table, LabelEncoder? label, int threads, Action<double>? progress, CancellationToken cancellationToken) =>
        EncodeTo(store, table, label, threads, progress, int.MaxValue, cancellationToken);

    internal ObjectRef EncodeTo(ObjectStore store, IReadOnlyList<RecordBatch> table, LabelEncoder? label, int threads, Action<double>? progress,
        int maxBufferBytes, CancellationToken cancellationToken)
    {
        var item = new Field("item", FloatType.Default, nullable: false);
        var listType = new FixedSizeListType(item, Width);
        var fields = new List<Field> { new(FeaturesColumn, listType, nullable: false) };
        if (label is not null)
        {
            fields.Add(new Field(LabelColumn, FloatType.Default, nullable: false));
        }

        var total = table.Sum(b => (long)b.Length);
        var perBatch = (int)Math.Min(maxBufferBytes / (sizeof(float) * Width), int.MaxValue);
        var bound = new BoundRows[table.Count];
        var boundLabels = label is null ? null : new LabelEncoder.BoundLabel[table.Count];
        long rowBase = 0;
        for (var b = 0; b < table.Count; rowBase += table[b++].Length)
        {
            bound[b] = Bind(table[b], rowBase);
            if (boundLabels is not null)
            {
                boundLabels[b] = label!.Bind(table[b], rowBase);
            }
        }

        var ranges = RowRanges.Split([.. table.Select(b => b.Length)], Math.Min(RowRanges.Rows, perBatch));
        long done = 0;

        using var writer = store.Create(new Schema(fields, null), (total * sizeof(float) * (Width + (label is null ? 0 : 1))) + (1 << 16));
        for (int first = 0, next; first < ranges.Count || first == 0; first = next)
        {
            next = first;
            var rows = 0;
            while (next < ranges.Count && (long)rows + ranges[next].Count <= perBatch)
            {
                rows += ranges[next++].Count;
            }

            writer.BeginBatch();
            var matrix = writer.Allocate(rows * Width * sizeof(float));
            var labels = label is null ? default : writer.Allocate(rows * sizeof(float));
            var group = ranges.GetRange(first, next - first);
            var groupBase = group.Count > 0 ? group[0].RowInTable : 0;
            RowRanges.ForEach(group, threads, range =>
            {
                var row = (int)(range.RowInTable - groupBase);
                bound[range.Batch].Encode(range.Start, range.Count,
                    MemoryMarshal.Cast<byte, float>(matrix.Span).Slice(row * Width, range.Count * Width));
                if (boundLabels is not null)
                {
                    boundLabels[range.Batch].Read(range.Start, MemoryMarshal.Cast<byte, float>(labels.Span).Slice(row, range.Count));
                }

                progress?.Invoke((double)Interlocked.Add(ref done, range.Count) / total);
            }, cancellationToken);

            var values = new FloatArray(new ArrowBuffer(matrix), ArrowBuffer.Empty, rows * Width, 0, 0);
            var columns = new List<IArrowArray> { new FixedSizeListArray(listType, rows, values, ArrowBuffer.Empty, 0, 0) };
            if (label is not null)
            {
                columns.Add(new FloatArray(new ArrowBuffer(labels), ArrowBuffer.Empty, rows, 0, 0));
            }

            writer.EndBatch(rows, columns);
            if (next >= ranges.Count)
            {
                break;
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return writer.Seal();
    }

    /// <summary>
    /// Encodes a table into a new object as <see cref="EncodeTo(ObjectStore, IReadOnlyList{RecordBatch}, LabelEncoder, int, Action{double}, CancellationToken)"/>
    /// does, but holds rows that are equal in every feature and in the label once, in the order in which they first come, with a third
    /// column "weight", float: how many they are.
    /// </summary>
    /// <param name="store">Where the object goes.</param>
    /// <param name="table">Rows with the columns of <see cref="Inputs"/>.</param>
    /// <param name="label">How to read the label.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancellationToken">Ends the work; nothing remains.</param>
    /// <returns>The object of one batch; null, and nothing is made, where it would have more than half of the table's rows.</returns>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row; store_full.</exception>
    public ObjectRef? EncodeDistinctTo(ObjectStore store, IReadOnlyList<RecordBatch> table, LabelEncoder label, int threads, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(label);
        var (rows, counts) = Distinct(table, label, threads, cancellationToken);
        return rows is null ? null : Write(store, rows.Rows.Span, CollectionsMarshal.AsSpan(counts));
    }

    private (DistinctRows? Rows, List<int> Counts) Distinct(IReadOnlyList<RecordBatch> table, LabelEncoder label, int threads, CancellationToken cancellationToken)
    {
        var total = table.Sum(b => (long)b.Length);
        var rows = new DistinctRows(Width + 1);
        var counts = new List<int>();
        var ranges = RowRanges.Split([.. table.Select(b => b.Length)], RowRanges.Rows);
        var bases = new long[table.Count];
        for (var b = 1; b < table.Count; b++)
        {
            bases[b] = bases[b - 1] + table[b - 1].Length;
        }

        // Encoded side by side, merged one after the other, so that the order of the rows does not depend on timing.
        var scratch = Enumerable.Range(0, Math.Max(1, threads)).Select(_ => new float[RowRanges.Rows * (Width + 1)]).ToArray();
        for (var first = 0; first < ranges.Count; first += scratch.Length)
        {
            var group = ranges.GetRange(first, Math.Min(scratch.Length, ranges.Count - first));
            RowRanges.ForEach(group.Count, threads, i =>
            {
                var range = group[i];
                var batch = table[range.Batch];
                Bind(batch, bases[range.Batch]).Encode(range.Start, range.Count, scratch[i].AsSpan(0, range.Count * Width));
                label.Bind(batch, bases[range.Batch]).Read(range.Start, scratch[i].AsSpan(range.Count * Width, range.Count));
            }, cancellationToken);
            for (var i = 0; i < group.Count; i++)
            {
                Merge(rows, counts, scratch[i], group[i].Count);
                var seen = group[i].RowInTable + group[i].Count;
                if (rows.Count > total / 2 || DistinctRows.Idle(rows.Count, seen, total))
                {
                    return (null, counts);
                }
            }
        }

        return (rows, counts);
    }

    private void Merge(DistinctRows rows, List<int> counts, ReadOnlySpan<float> encoded, int count)
    {
        var labels = encoded.Slice(count * Width, count);
        var row = Width < 512 ? stackalloc float[Width + 1] : new float[Width + 1];
        for (var r = 0; r < count; r++)
        {
            encoded.Slice(r * Width, Width).CopyTo(row);
            row[Width] = labels[r];
            var number = rows.Find(row, add: true);
            if (number == counts.Count)
            {
                counts.Add(0);
            }

            counts[number]++;
        }
    }

    private ObjectRef Write(ObjectStore store, ReadOnlySpan<float> rows, ReadOnlySpan<int> counts)
    {
        var listType = new FixedSizeListType(new Field("item", FloatType.Default, nullable: false), Width);
        var schema = new Schema(
        [
            new Field(FeaturesColumn, listType, nullable: false),
            new Field(LabelColumn, FloatType.Default, nullable: false),
            new Field(WeightColumn, FloatType.Default, nullable: false),
        ], null);
        var count = counts.Length;
        using var writer = store.Create(schema, ((long)count * sizeof(float) * (Width + 2)) + (1 << 16));
        writer.BeginBatch();
        var features = writer.Allocate(count * Width * sizeof(float));
        var labels = writer.Allocate(count * sizeof(float));
        var weights = writer.Allocate(count * sizeof(float));
        var matrix = MemoryMarshal.Cast<byte, float>(features.Span);
        var label = MemoryMarshal.Cast<byte, float>(labels.Span);
        var weight = MemoryMarshal.Cast<byte, float>(weights.Span);
        for (var r = 0; r < count; r++)
        {
            rows.Slice(r * (Width + 1), Width).CopyTo(matrix[(r * Width)..]);
            weight[r] = counts[r];
            label[r] = rows[(r * (Width + 1)) + Width];
        }

        FloatArray Array(ReadOnlyMemory<byte> memory, int length) => new(new ArrowBuffer(memory), ArrowBuffer.Empty, length, 0, 0);
        writer.EndBatch(count, [new FixedSizeListArray(listType, count, Array(features, count * Width), ArrowBuffer.Empty, 0, 0), Array(labels, count), Array(weights, count)]);
        return writer.Seal();
    }
}
