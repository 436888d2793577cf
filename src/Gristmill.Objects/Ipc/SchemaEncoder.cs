using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Ipc;

/// <summary>Writes schemas as flatbuffers. Dictionary ids are given out in depth-first order of the fields.</summary>
internal sealed class SchemaEncoder(FlatWriter writer)
{
    /// <summary>Version 5 of the format's metadata.</summary>
    public const short Version = 4;

    private long _nextDictionary;

    /// <summary>The schema message, without the length prefix.</summary>
    public static byte[] Message(Schema schema)
    {
        var writer = new FlatWriter();
        var slots = writer.Table(new(0, 2, Version), new(1, 1, 1), FlatWriter.Slot.Offset(2), new(3, 8, 0));
        writer.Root(writer.LastTable);
        new SchemaEncoder(writer).Write(slots[2], schema);
        return writer.ToArray();
    }

    /// <summary>Writes the schema table an offset slot points to.</summary>
    public void Write(int slot, Schema schema)
    {
        var metadata = schema.HasMetadata ? schema.Metadata : null;
        var slots = metadata is null
            ? writer.Table(new(0, 2, 0), FlatWriter.Slot.Offset(1))
            : writer.Table(new(0, 2, 0), FlatWriter.Slot.Offset(1), FlatWriter.Slot.Offset(2));
        writer.Patch(slot, writer.LastTable);
        Fields(slots[1], schema.FieldsList);
        if (metadata is not null)
        {
            KeyValues(writer, slots[2], metadata);
        }
    }

    /// <summary>Writes key-value pairs sorted by key: the order of a dictionary means nothing, a fingerprint must not depend on it.</summary>
    public static void KeyValues(FlatWriter writer, int slot, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var sorted = pairs.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToArray();
        int element = writer.Offsets(slot, sorted.Length);
        for (int i = 0; i < sorted.Length; i++)
        {
            var slots = writer.Table(FlatWriter.Slot.Offset(0), FlatWriter.Slot.Offset(1));
            writer.Patch(element + 4 * i, writer.LastTable);
            writer.Text(slots[0], sorted[i].Key);
            writer.Text(slots[1], sorted[i].Value ?? "");
        }
    }

    private void Fields(int slot, IReadOnlyList<Field> fields)
    {
        int element = writer.Offsets(slot, fields.Count);
        for (int i = 0; i < fields.Count; i++)
        {
            WriteField(element + 4 * i, fields[i]);
        }
    }

    private void WriteField(int slot, Field field)
    {
        var type = field.DataType;
        var metadata = new Dictionary<string, string>(field.HasMetadata ? field.Metadata : []);
        if (type is ExtensionType extension)
        {
            metadata["ARROW:extension:name"] = extension.Name;
            metadata["ARROW:extension:metadata"] = extension.ExtensionMetadata ?? "";
            type = extension.StorageType;
        }

        var dictionary = type as DictionaryType;
        var valueType = dictionary is null ? type : dictionary.ValueType;
        if (valueType is ExtensionType valueExtension)
        {
            valueType = valueExtension.StorageType;
        }

        var slots = new List<FlatWriter.Slot>
        {
            FlatWriter.Slot.Offset(0), new(1, 1, field.IsNullable ? 1 : 0), new(2, 1, TypeCode(valueType)),
            FlatWriter.Slot.Offset(3), FlatWriter.Slot.Offset(5),
        };
        if (dictionary is not null)
        {
            slots.Add(FlatWriter.Slot.Offset(4));
        }

        if (metadata.Count > 0)
        {
            slots.Add(FlatWriter.Slot.Offset(6));
        }

        var positions = writer.Table([.. slots]);
        writer.Patch(slot, writer.LastTable);
        writer.Text(positions[0], field.Name ?? "");
        WriteType(positions[3], valueType);
        if (dictionary is not null)
        {
            var encoding = writer.Table(new(0, 8, _nextDictionary++), FlatWriter.Slot.Offset(1), new(2, 1, dictionary.Ordered ? 1 : 0));
            writer.Patch(positions[5], writer.LastTable);
            WriteType(encoding[1], dictionary.IndexType);
        }

        Fields(positions[4], Layout.ChildFields(valueType));
        if (metadata.Count > 0)
        {
            KeyValues(writer, positions[^1], metadata);
        }
    }

    private static byte TypeCode(IArrowType type) => type switch
    {
        NullType => 1,
        BooleanType => 6,
        IntegerType => 2,
        FloatingPointType => 3,
        BinaryType => 4,
        StringType => 5,
        Decimal32Type or Decimal64Type or Decimal128Type or Decimal256Type => 7,
        DateType => 8,
        TimeType => 9,
        TimestampType => 10,
        IntervalType => 11,
        ListType => 12,
        StructType => 13,
        UnionType => 14,
        FixedSizeBinaryType => 15,
        FixedSizeListType => 16,
        MapType => 17,
        DurationType => 18,
        LargeBinaryType => 19,
        LargeStringType => 20,
        LargeListType => 21,
        RunEndEncodedType => 22,
        BinaryViewType => 23,
        StringViewType => 24,
        ListViewType => 25,
        LargeListViewType => 26,
        _ => throw new GristmillException(ErrorCodes.TypeMismatch, $"The Arrow type '{type.Name}' cannot be stored.",
            "Cast the column to another type."),
    };

    private void WriteType(int slot, IArrowType type)
    {
        int[] positions = type switch
        {
            IntegerType integer => writer.Table(new(0, 4, integer.BitWidth), new(1, 1, integer.IsSigned ? 1 : 0)),
            FloatingPointType floating => writer.Table(new FlatWriter.Slot(0, 2, floating.BitWidth switch { 16 => 0, 32 => 1, _ => 2 })),
            Decimal32Type d => writer.Table(new(0, 4, d.Precision), new(1, 4, d.Scale), new(2, 4, 32)),
            Decimal64Type d => writer.Table(new(0, 4, d.Precision), new(1, 4, d.Scale), new(2, 4, 64)),
            Decimal128Type d => writer.Table(new(0, 4, d.Precision), new(1, 4, d.Scale), new(2, 4, 128)),
            Decimal256Type d => writer.Table(new(0, 4, d.Precision), new(1, 4, d.Scale), new(2, 4, 256)),
            Date32Type => writer.Table(new FlatWriter.Slot(0, 2, 0)),
            Date64Type => writer.Table(new FlatWriter.Slot(0, 2, 1)),
            TimeType time => writer.Table(new(0, 2, Unit(time.Unit)), new(1, 4, time.BitWidth)),
            TimestampType { Timezone: null or "" } timestamp => writer.Table(new FlatWriter.Slot(0, 2, Unit(timestamp.Unit))),
            TimestampType timestamp => writer.Table(new(0, 2, Unit(timestamp.Unit)), FlatWriter.Slot.Offset(1)),
            DurationType duration => writer.Table(new FlatWriter.Slot(0, 2, Unit(duration.Unit))),
            IntervalType interval => writer.Table(new FlatWriter.Slot(0, 2, interval.Unit switch
            {
                IntervalUnit.YearMonth => 0,
                IntervalUnit.DayTime => 1,
                _ => 2,
            })),
            FixedSizeBinaryType binary => writer.Table(new FlatWriter.Slot(0, 4, binary.ByteWidth)),
            FixedSizeListType list => writer.Table(new FlatWriter.Slot(0, 4, list.ListSize)),
            MapType map => writer.Table(new FlatWriter.Slot(0, 1, map.KeySorted ? 1 : 0)),
            UnionType union => writer.Table(new(0, 2, union.Mode == UnionMode.Dense ? 1 : 0), FlatWriter.Slot.Offset(1)),
            _ => writer.Table(),
        };
        writer.Patch(slot, writer.LastTable);
        if (type is TimestampType { Timezone: { Length: > 0 } zone })
        {
            writer.Text(positions[1], zone);
        }
        else if (type is UnionType union)
        {
            int ids = writer.Vector(positions[1], union.TypeIds.Length, 4, 4);
            for (int i = 0; i < union.TypeIds.Length; i++)
            {
                writer.WriteI32(ids + 4 * i, union.TypeIds[i]);
            }
        }
    }

    private static int Unit(TimeUnit unit) => unit switch
    {
        TimeUnit.Second => 0,
        TimeUnit.Millisecond => 1,
        TimeUnit.Microsecond => 2,
        _ => 3,
    };
}
