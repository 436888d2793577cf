using Apache.Arrow;

namespace Gristmill.Objects.Mapping;

/// <summary>Views of parts of a table.</summary>
internal static class Projection
{
    public static IEnumerable<RecordBatch> Of(IReadOnlyList<RecordBatch> batches, Schema schema, IReadOnlyList<string>? names, long offset, long rows)
    {
        int[]? columns = names is null ? null : [.. names.Select(name => Index(schema, name))];
        var projected = columns is null ? schema : new Schema([.. columns.Select(schema.GetFieldByIndex)], schema.Metadata);
        return Slices(batches, projected, columns, offset, rows);
    }

    private static IEnumerable<RecordBatch> Slices(IReadOnlyList<RecordBatch> batches, Schema schema, int[]? columns, long offset, long rows)
    {
        for (int i = 0; i < batches.Count && rows > 0; i++)
        {
            var batch = batches[i];
            if (offset >= batch.Length)
            {
                offset -= batch.Length;
                continue;
            }

            int first = (int)offset, count = (int)Math.Min(batch.Length - first, rows);
            offset = 0;
            rows -= count;
            yield return columns is null && count == batch.Length
                ? batch
                : new RecordBatch(schema, (columns ?? Enumerable.Range(0, batch.ColumnCount)).Select(column => Slice(batch.Column(column), first, count)), count);
        }
    }

    private static IArrowArray Slice(IArrowArray array, int offset, int length) =>
        offset == 0 && length == array.Length ? array : ArrowArrayFactory.BuildArray(array.Data.Slice(offset, length));

    private static int Index(Schema schema, string name) => schema.GetFieldIndex(name, StringComparer.Ordinal) is >= 0 and var index
        ? index
        : throw new GristmillException(ErrorCodes.UnknownColumn, $"The table has no column '{name}'; it has {string.Join(", ", schema.FieldsList.Take(20).Select(static field => field.Name))}.",
            "Ask for one of them.").With("column", name);
}
