using System.Collections.Immutable;
using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>The tables that the items of a loop made, read as one: nothing is copied, their batches follow each other.</summary>
internal static class CollectedTables
{
    /// <summary>Leases them all, in the order of the items; those of items that were skipped are left out.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.BadValue"/>: there are none. <see cref="ErrorCodes.TypeMismatch"/>: they are no tables, or of different columns.
    /// </exception>
    public static SegmentTable Open(StageContext context, string stage, ImmutableArray<Artifact?> items)
    {
        var leases = new Leases();
        try
        {
            for (var i = 0; i < items.Length; i++)
            {
                if (items[i] is not { } item)
                {
                    continue;
                }

                var table = item.Dataset ?? throw new GristmillException(ErrorCodes.TypeMismatch,
                    $"Stage '{context.Request.Stage}' reads what the items of stage '{stage}' made, and item {Number(i)} made a {item.Kind}, not a table.",
                    "A query reads tables.").With("stage", stage);
                var lease = context.Objects.Get(table);
                leases.Add(lease);
                if (Columns(lease.Schema) is var columns && Columns(leases[0].Schema) is var expected && columns != expected)
                {
                    throw new GristmillException(ErrorCodes.TypeMismatch,
                        $"Stage '{context.Request.Stage}' reads what the items of stage '{stage}' made as one table, and item {Number(i)} has other columns than those before it: {columns}, not {expected}.",
                        "Select and cast the same columns for every item.").With("stage", stage);
                }
            }

            return leases.Count > 0
                ? new SegmentTable(leases[0].Schema, [.. leases.SelectMany(static lease => lease.Batches)], leases)
                : throw new GristmillException(ErrorCodes.BadValue, $"Stage '{context.Request.Stage}' reads what the items of stage '{stage}' made, and no item made a table.",
                    "Let the stage run only if the list of the loop is not empty.").With("stage", stage);
        }
        catch
        {
            leases.Dispose();
            throw;
        }
    }

    private static string Columns(Schema schema) => string.Join(", ", schema.FieldsList.Select(Text));

    private static string Text(Field field) => $"{field.Name} {Text(field.DataType)}";

    private static string Text(IArrowType type) => type switch
    {
        TimestampType timestamp => $"timestamp[{timestamp.Unit}{(timestamp.Timezone is { } zone ? $", {zone}" : "")}]".ToLowerInvariant(),
        Decimal128Type number => Decimal(number, number.Precision, number.Scale),
        Decimal256Type number => Decimal(number, number.Precision, number.Scale),
        TimeType time => $"{type.Name}[{time.Unit}]".ToLowerInvariant(),
        FixedSizeBinaryType binary => string.Create(CultureInfo.InvariantCulture, $"{type.Name}[{binary.ByteWidth}]"),
        FixedSizeListType list => string.Create(CultureInfo.InvariantCulture, $"{Text(list.ValueDataType)}[{list.ListSize}]"),
        // How a segment keeps its values is its own affair.
        DictionaryType dictionary => Text(dictionary.ValueType),
        NestedType nested => $"{type.Name}<{string.Join(", ", nested.Fields.Select(Text))}>",
        _ => type.Name,
    };

    private static string Decimal(ArrowType type, int precision, int scale) => string.Create(CultureInfo.InvariantCulture, $"{type.Name}({precision}, {scale})");

    private static string Number(int item) => (item + 1).ToString(CultureInfo.InvariantCulture);

    private sealed class Leases : List<ObjectLease>, IDisposable
    {
        public void Dispose() => ForEach(static lease => lease.Dispose());
    }
}
