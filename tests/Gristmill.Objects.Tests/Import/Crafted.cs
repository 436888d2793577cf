using System.Buffers.Binary;
using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Import;

/// <summary>Puts messages together to streams and files, well-formed or not.</summary>
internal static class Crafted
{
    public static byte[] Stream(Schema schema, params CraftedBatch[] batches) => Stream(SchemaEncoder.Message(schema), batches);

    public static byte[] Stream(CraftedField field, params CraftedBatch[] batches) => Stream(CraftedField.Schema([field]), batches);

    public static byte[] Stream(byte[] schema, params CraftedBatch[] batches)
    {
        using var stream = new MemoryStream();
        Write(stream, schema);
        foreach (var batch in batches)
        {
            Write(stream, batch.Message());
            stream.Write(batch.Body);
        }

        End(stream);
        return stream.ToArray();
    }

    /// <summary>A file whose footer lists the blocks that it is given of those that there are.</summary>
    public static byte[] File(Schema schema, CraftedBatch[] batches, Func<List<Block>, List<Block>>? dictionaryBlocks = null, Func<List<Block>, List<Block>>? batchBlocks = null)
    {
        using var stream = new MemoryStream();
        stream.Write(IpcFile.Magic);
        Write(stream, SchemaEncoder.Message(schema));
        List<Block> dictionaries = [], records = [];
        foreach (var batch in batches)
        {
            long start = stream.Position;
            Write(stream, batch.Message());
            int metadata = (int)(stream.Position - start);
            stream.Write(batch.Body);
            (batch.Dictionary is null ? records : dictionaries).Add(new Block(start, metadata, batch.Body.Length));
        }

        End(stream);
        byte[] footer = MessageEncoder.Footer(schema, dictionaryBlocks?.Invoke(dictionaries) ?? dictionaries, batchBlocks?.Invoke(records) ?? records, new Dictionary<string, string>());
        stream.Write(footer);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, footer.Length);
        stream.Write(length);
        stream.Write(IpcFile.Magic[..6]);
        return stream.ToArray();
    }

    /// <summary>A message with the mark and the length before it.</summary>
    public static void Write(Stream stream, byte[] message, bool mark = true)
    {
        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(prefix, -1);
        BinaryPrimitives.WriteInt32LittleEndian(prefix[4..], message.Length);
        stream.Write(mark ? prefix : prefix[4..]);
        stream.Write(message);
    }

    private static void End(MemoryStream stream) => stream.Write([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
}
