using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>Shows objects of the store.</summary>
internal static class ObjectViews
{
    private const int SummaryColumns = 8;
    private const int SummaryLength = 200;

    /// <summary>Arrays decoded for the count of nulls: more would take above a second.</summary>
    private const long MostArrays = 200_000;

    public static ObjectView Of(ObjectStore store, StoredObject item, ObjectDescription said) => new()
    {
        Id = item.Id,
        State = said.Problem is not null ? ObjectState.Damaged
            : item.IsSealed ? ObjectState.Sealed
            : item.Processes.Count > 0 || store.IsHeld(item) ? ObjectState.Building : ObjectState.Abandoned,
        Owner = said.Owner,
        Rows = said.Ref?.Rows,
        Bytes = item.Bytes,
        Created = said.Created ?? item.Modified,
        Schema = said.Schema is { } schema ? Summary(schema) : null,
        Processes = item.Processes,
        Pinned = item.IsPinned,
        Spilled = item.IsSpilled,
        Problem = said.Problem,
    };

    /// <summary>An object with its columns.</summary>
    public static ObjectView Whole(ObjectStore store, StoredObject item)
    {
        var said = store.Describe(item);
        var view = Of(store, item, said);
        if (said.Schema is not { } schema)
        {
            return view;
        }

        view = view with { Batches = said.Batches, Checksum = said.Ref?.Checksum };
        try
        {
            using var lease = store.Get(item.Id);
            var statistics = said.Statistics?.Columns ?? [];
            var count = (long)said.Batches * schema.FieldsList.Count <= MostArrays;
            return view with
            {
                Rows = lease.Ref.Rows,
                Columns = [.. schema.FieldsList.Select((field, i) => new ObjectColumn(field.Name, TypeText(field.DataType), field.IsNullable, count ? Nulls(lease.Batches, i) : null)
                {
                    Statistics = i < statistics.Count ? statistics[i] : null,
                })],
            };
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
        {
            return view with { State = ObjectState.Damaged, Problem = e.Message };
        }
    }

    private static long? Nulls(IReadOnlyList<RecordBatch> batches, int column)
    {
        long sum = 0;
        foreach (var batch in batches)
        {
            long nulls = batch.Column(column).Data.NullCount;
            if (nulls < 0)
            {
                return null;
            }

            sum += nulls;
        }

        return sum;
    }

    private static string Summary(Schema schema)
    {
        var more = schema.FieldsList.Count - SummaryColumns;
        var text = string.Join(", ", schema.FieldsList.Take(SummaryColumns).Select(static field => $"{field.Name}: {TypeText(field.DataType)}"))
            + (more > 0 ? string.Create(CultureInfo.InvariantCulture, $", ... {more} more") : "");
        return text.Length <= SummaryLength ? text : text[..SummaryLength] + "...";
    }

    private static string TypeText(IArrowType type) => type switch
    {
        DictionaryType dictionary => $"dictionary<{TypeText(dictionary.ValueType)}>",
        FixedSizeListType list => string.Create(CultureInfo.InvariantCulture, $"list<{TypeText(list.ValueDataType)}>[{list.ListSize}]"),
        ListType list => $"list<{TypeText(list.ValueDataType)}>",
        LargeListType list => $"list<{TypeText(list.ValueDataType)}>",
        TimestampType { Timezone: { Length: > 0 } zone } => $"timestamp<{zone}>",
        Decimal128Type number => string.Create(CultureInfo.InvariantCulture, $"decimal({number.Precision}, {number.Scale})"),
        _ => type.Name,
    };
}
