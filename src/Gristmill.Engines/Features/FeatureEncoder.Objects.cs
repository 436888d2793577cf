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
}
