using Apache.Arrow;

namespace Gristmill.Objects.Ipc;

/// <summary>What a record batch message says: nodes and buffers in depth-first order.</summary>
internal sealed class BatchParts
{
    public List<(long Length, long NullCount)> Nodes { get; } = [];

    /// <summary>Offsets from the start of the body, and lengths.</summary>
    public List<(long Offset, long Length)> Buffers { get; } = [];

    /// <summary>Data buffers of each view array.</summary>
    public List<long> Variadic { get; } = [];
}

/// <summary>Writes record batch and dictionary messages and the footer.</summary>
internal static class MessageEncoder
{
    /// <summary>Bytes that a message of so many parts takes at most.</summary>
    public static int Bound(int nodes, int buffers, int variadic) => 192 + 16 * nodes + 16 * buffers + 8 * variadic;

    /// <summary>A record batch message, or that of a dictionary if an id is given.</summary>
    public static byte[] Batch(long rows, BatchParts parts, long bodyLength, long? dictionaryId = null, bool isDelta = false)
    {
        var writer = new FlatWriter();
        var message = writer.Table(
            new(0, 2, SchemaEncoder.Version), new(1, 1, dictionaryId is null ? 3 : 2), FlatWriter.Slot.Offset(2), new(3, 8, bodyLength));
        writer.Root(writer.LastTable);
        int slot = message[2];
        if (dictionaryId is { } id)
        {
            var dictionary = writer.Table(new(0, 8, id), FlatWriter.Slot.Offset(1), new(2, 1, isDelta ? 1 : 0));
            writer.Patch(slot, writer.LastTable);
            slot = dictionary[1];
        }

        var batch = parts.Variadic.Count == 0
            ? writer.Table(new(0, 8, rows), FlatWriter.Slot.Offset(1), FlatWriter.Slot.Offset(2))
            : writer.Table(new(0, 8, rows), FlatWriter.Slot.Offset(1), FlatWriter.Slot.Offset(2), FlatWriter.Slot.Offset(4));
        writer.Patch(slot, writer.LastTable);
        Pairs(writer, batch[1], parts.Nodes);
        Pairs(writer, batch[2], parts.Buffers);
        if (parts.Variadic.Count > 0)
        {
            int at = writer.Vector(batch[3], parts.Variadic.Count, 8, 8);
            foreach (long count in parts.Variadic)
            {
                writer.WriteI64(at, count);
                at += 8;
            }
        }

        return writer.ToArray();
    }

    /// <summary>The footer of a file.</summary>
    public static byte[] Footer(Schema schema, List<Block> dictionaries, List<Block> batches, IReadOnlyDictionary<string, string> metadata)
    {
        var writer = new FlatWriter();
        var footer = writer.Table(new(0, 2, SchemaEncoder.Version), FlatWriter.Slot.Offset(1), FlatWriter.Slot.Offset(2),
            FlatWriter.Slot.Offset(3), FlatWriter.Slot.Offset(4));
        writer.Root(writer.LastTable);
        new SchemaEncoder(writer).Write(footer[1], schema);
        Blocks(writer, footer[2], dictionaries);
        Blocks(writer, footer[3], batches);
        SchemaEncoder.KeyValues(writer, footer[4], metadata);
        return writer.ToArray();
    }

    private static void Pairs(FlatWriter writer, int slot, List<(long, long)> pairs)
    {
        int at = writer.Vector(slot, pairs.Count, 16, 8);
        foreach (var (first, second) in pairs)
        {
            writer.WriteI64(at, first);
            writer.WriteI64(at + 8, second);
            at += 16;
        }
    }

    private static void Blocks(FlatWriter writer, int slot, List<Block> blocks)
    {
        int at = writer.Vector(slot, blocks.Count, 24, 8);
        foreach (var block in blocks)
        {
            writer.WriteI64(at, block.Offset);
            writer.WriteI32(at + 8, block.MetadataLength);
            writer.WriteI64(at + 16, block.BodyLength);
            at += 24;
        }
    }
}
