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

    // 1 MiB a range: as many rows as others take for up to seven features and a label.
    private const int MergeScratchFloats = 1 << 18;

    /// <summary>Ranges, and parts of the distinct rows, that threads share at a time: not by their number, which changes and must not show in the result.</summary>
    private const int MergedAtOnce = 8;

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
        var total = table.Sum(b => (long)b.Length);
        var perBatch = (int)Math.Min(maxBufferBytes / (sizeof(float) * Width), int.MaxValue);
        var bound = Bind(table);
        var boundLabels = label?.Bind(table);
        var ranges = RowRanges.Split([.. table.Select(b => b.Length)], Math.Min(RowRanges.Rows, perBatch));
        long done = 0;

        using var writer = CreateMatrix(store, total, label is null ? [] : [LabelColumn]);
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

            writer.EndBatch(rows, MatrixColumns(rows, matrix, label is null ? [] : [labels]));
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
    /// <param name="threads">Threads that may be used; asked again and again.</param>
    /// <param name="cancellationToken">Ends the work; nothing remains.</param>
    /// <returns>The object of one batch; null, and nothing is made, where it would have more than half of the table's rows, or more than 64 MiB.</returns>
    /// <exception cref="GristmillException">unknown_column, type_mismatch or bad_value, naming column and row; store_full.</exception>
    public ObjectRef? EncodeDistinctTo(ObjectStore store, IReadOnlyList<RecordBatch> table, LabelEncoder label, Func<int> threads, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(label);
        ArgumentNullException.ThrowIfNull(threads);
        return Distinct(table, label, threads, cancellationToken) is { } parts ? Write(store, parts) : null;
    }

    /// <summary>
    /// The distinct rows, label last, in parts by their hash: each part is one thread's at a time. In a part they are in the order in which
    /// they first came; the parts together do not depend on timing. Null where there are too many.
    /// </summary>
    private DistinctPart[]? Distinct(IReadOnlyList<RecordBatch> table, LabelEncoder label, Func<int> threads, CancellationToken cancellationToken)
    {
        var total = table.Sum(b => (long)b.Length);
        var parts = Enumerable.Range(0, MergedAtOnce).Select(_ => new DistinctPart(Width + 1)).ToArray();
        var rangeRows = Math.Clamp(MergeScratchFloats / (Width + 1), 1, RowRanges.Rows);
        var ranges = RowRanges.Split([.. table.Select(b => b.Length)], rangeRows);
        var bound = Bind(table);
        var boundLabels = label.Bind(table);
        var scratch = Enumerable.Range(0, MergedAtOnce).Select(_ => new MergeScratch(rangeRows, Width)).ToArray();
        for (var first = 0; first < ranges.Count; first += scratch.Length)
        {
            var group = ranges.GetRange(first, Math.Min(scratch.Length, ranges.Count - first));
            RowRanges.ForEach(group.Count, threads(), i => scratch[i].Encode(bound[group[i].Batch], boundLabels[group[i].Batch], group[i]), cancellationToken);
            RowRanges.ForEach(parts.Length, threads(), p =>
            {
                for (var i = 0; i < group.Count; i++)
                {
                    parts[p].Take(scratch[i], group[i], p, parts.Length);
                }
            }, cancellationToken);
            var found = parts.Sum(static part => (long)part.Count);
            if (found > total / 2 || found * (Width + 1) * sizeof(float) > DistinctRows.DefaultMaxBytes
                || DistinctRows.AreRare(found, group[^1].RowInTable + group[^1].Count, total) || parts.Any(static part => part.IsFull))
            {
                return null;
            }
        }

        return parts;
    }

    private ObjectRef Write(ObjectStore store, DistinctPart[] parts)
    {
        var count = parts.Sum(static part => part.Count);
        using var writer = CreateMatrix(store, count, [LabelColumn, WeightColumn]);
        writer.BeginBatch();
        var features = writer.Allocate(count * Width * sizeof(float));
        var labels = writer.Allocate(count * sizeof(float));
        var weights = writer.Allocate(count * sizeof(float));
        var matrix = MemoryMarshal.Cast<byte, float>(features.Span);
        var label = MemoryMarshal.Cast<byte, float>(labels.Span);
        var weight = MemoryMarshal.Cast<byte, float>(weights.Span);
        var next = new int[parts.Length];
        for (var r = 0; r < count; r++)
        {
            // Each part is in order: the next row is the first of those that the parts have left.
            var best = -1;
            for (var p = 0; p < parts.Length; p++)
            {
                if (next[p] < parts[p].Count && (best < 0 || parts[p].First(next[p]) < parts[best].First(next[best])))
                {
                    best = p;
                }
            }

            var (taken, times) = parts[best].At(next[best]++);
            var row = taken.Span;
            row[..Width].CopyTo(matrix[(r * Width)..]);
            (label[r], weight[r]) = (row[Width], times);
        }

        writer.EndBatch(count, MatrixColumns(count, features, [labels, weights]));
        return writer.Seal();
    }

    private FixedSizeListType MatrixType => new(new Field("item", FloatType.Default, nullable: false), Width);

    private ObjectWriter CreateMatrix(ObjectStore store, long rows, string[] others) => store.Create(
        new Schema([new Field(FeaturesColumn, MatrixType, nullable: false), .. others.Select(name => new Field(name, FloatType.Default, nullable: false))], null),
        (rows * sizeof(float) * (Width + others.Length)) + (1 << 16));

    private List<IArrowArray> MatrixColumns(int rows, ReadOnlyMemory<byte> matrix, ReadOnlyMemory<byte>[] others)
    {
        FloatArray Floats(ReadOnlyMemory<byte> memory, int count) => new(new ArrowBuffer(memory), ArrowBuffer.Empty, count, 0, 0);
        return [new FixedSizeListArray(MatrixType, rows, Floats(matrix, rows * Width), ArrowBuffer.Empty, 0, 0), .. others.Select(other => Floats(other, rows))];
    }
}
