using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Import;

/// <summary>A field of a schema that no writer would write: type code and parameters are taken as they are.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Code of the type in Arrow's Schema.fbs; 0 leaves the type table out.</param>
/// <param name="Parameters">Inline values of the type table.</param>
internal sealed record CraftedField(string Name, int Type, params FlatWriter.Slot[] Parameters)
{
    public const int Int = 2, Float = 3, Binary = 4, Utf8 = 5, Bool = 6, FixedDecimal = 7, Date = 8, Time = 9, Timestamp = 10, Interval = 11, List = 12, Struct = 13,
        Union = 14, FixedBinary = 15, FixedList = 16, Map = 17, Duration = 18, LargeUtf8 = 20, LargeList = 21, RunEnd = 22, Utf8View = 24, ListView = 25;

    public CraftedField[] Children { get; init; } = [];

    public int[]? TypeIds { get; init; }

    /// <summary>Bits of its indices, which are signed; 0 leaves the index type out.</summary>
    public int IndexBits { get; init; } = 32;

    public long? Dictionary { get; init; }

    /// <summary>How often each entry of the list of children stands in it: offsets may share their target.</summary>
    public int Repeat { get; init; } = 1;

    public static CraftedField Integer(string name, int bits = 32, bool signed = true) => new(name, Int, new(0, 4, bits), new(1, 1, signed ? 1 : 0));

    public static byte[] Schema(CraftedField[] fields, int endianness = 0, int version = SchemaEncoder.Version)
    {
        var writer = new FlatWriter();
        var message = writer.Table(new(0, 2, version), new(1, 1, 1), FlatWriter.Slot.Offset(2));
        writer.Root(writer.LastTable);
        var schema = writer.Table(new(0, 2, endianness), FlatWriter.Slot.Offset(1));
        writer.Patch(message[2], writer.LastTable);
        WriteAll(writer, schema[1], fields, 1);
        return writer.ToArray();
    }

    private static void WriteAll(FlatWriter writer, int slot, CraftedField[] fields, int repeat)
    {
        int element = writer.Offsets(slot, fields.Length * repeat);
        foreach (var field in fields)
        {
            int table = field.Write(writer);
            for (int i = 0; i < repeat; i++, element += 4)
            {
                writer.Patch(element, table);
            }
        }
    }

    private int Write(FlatWriter writer)
    {
        List<FlatWriter.Slot> slots = [FlatWriter.Slot.Offset(0), new(1, 1, 1), new(2, 1, Type), FlatWriter.Slot.Offset(5)];
        if (Type != 0)
        {
            slots.Add(FlatWriter.Slot.Offset(3));
        }

        if (Dictionary is not null)
        {
            slots.Add(FlatWriter.Slot.Offset(4));
        }

        var positions = writer.Table([.. slots]);
        int table = writer.LastTable;
        writer.Text(positions[0], Name);
        if (Type != 0)
        {
            var type = writer.Table(TypeIds is null ? Parameters : [.. Parameters, FlatWriter.Slot.Offset(1)]);
            writer.Patch(positions[4], writer.LastTable);
            if (TypeIds is not null)
            {
                int ids = writer.Vector(type[^1], TypeIds.Length, 4, 4);
                for (int i = 0; i < TypeIds.Length; i++)
                {
                    writer.WriteI32(ids + 4 * i, TypeIds[i]);
                }
            }
        }

        if (Dictionary is { } id)
        {
            var encoding = IndexBits == 0 ? writer.Table(new FlatWriter.Slot(0, 8, id)) : writer.Table(new(0, 8, id), FlatWriter.Slot.Offset(1));
            writer.Patch(positions[^1], writer.LastTable);
            if (IndexBits != 0)
            {
                writer.Table(new(0, 4, IndexBits), new(1, 1, 1));
                writer.Patch(encoding[1], writer.LastTable);
            }
        }

        WriteAll(writer, positions[3], Children, Repeat);
        return table;
    }
}
