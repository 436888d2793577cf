using System.Buffers.Binary;
using Apache.Arrow;

namespace Gristmill.Objects.Ipc;

/// <summary>The footer of an Arrow IPC file in memory, its blocks checked to lie inside the file.</summary>
internal sealed class IpcFile
{
    /// <summary>The bytes a file starts with, padding included.</summary>
    public static ReadOnlySpan<byte> Magic => "ARROW1\0\0"u8;

    public required Schema Schema { get; init; }
    public required FieldNode[] Nodes { get; init; }
    public required Block[] Dictionaries { get; init; }
    public required Block[] Batches { get; init; }
    public required SegmentFooter Metadata { get; init; }

    /// <summary>Where the footer starts: the checksum covers all before it.</summary>
    public required long FooterStart { get; init; }

    /// <summary>Reads the footer of a file of this many bytes.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="own">Whether it is a segment of the store, whose fingerprint is to be believed.</param>
    public static unsafe IpcFile Parse(byte* file, long length, bool own = false)
    {
        if (length < 8 + 10 || !new ReadOnlySpan<byte>(file, 6).SequenceEqual(Magic[..6])
            || !new ReadOnlySpan<byte>(file + length - 6, 6).SequenceEqual(Magic[..6]))
        {
            Malformed.Throw($"the file of {length} bytes does not start and end with ARROW1, so it is cut off or another format");
        }

        int footerLength = BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(file + length - 10, 4));
        long start = length - 10 - footerLength;
        if (footerLength < 8 || start < 8)
        {
            Malformed.Throw($"the footer claims {footerLength} bytes in a file of {length}");
        }

        return Footer(new ReadOnlySpan<byte>(file + start, footerLength), start, own);
    }

    /// <summary>Reads a footer that was taken from a segment of the store.</summary>
    /// <param name="footer">The footer's bytes.</param>
    /// <param name="start">Where it starts in the file.</param>
    public static IpcFile ParseFooter(ReadOnlySpan<byte> footer, long start) => Footer(footer, start, own: true);

    /// <summary>The reference that was sealed into the footer; null if it was written by another program.</summary>
    public ObjectRef? Reference(string id, long length, string host) =>
        Metadata is { Rows: { } rows, Fingerprint: { } fingerprint } ? new ObjectRef(id, fingerprint, rows, length, host) { Checksum = Metadata.Checksum } : null;

    /// <summary>The flatbuffer of a message, after its length prefix.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="block">A block of its footer.</param>
    public static unsafe ReadOnlySpan<byte> Message(byte* file, Block block)
    {
        var metadata = new ReadOnlySpan<byte>(file + block.Offset, block.MetadataLength);
        int prefix = metadata.Length >= 8 && BinaryPrimitives.ReadInt32LittleEndian(metadata) == -1 ? 8 : 4;
        int length = metadata.Length < prefix ? -1 : BinaryPrimitives.ReadInt32LittleEndian(metadata[(prefix - 4)..]);
        if (length < 0 || length > metadata.Length - prefix)
        {
            Malformed.Throw($"the message at {block.Offset} claims {length} bytes of metadata, its block holds {metadata.Length}");
        }

        return metadata.Slice(prefix, length);
    }

    /// <summary>The flatbuffer of the message right behind the magic bytes, which is the schema's.</summary>
    /// <param name="file">The whole file, whose footer has been read: it has 18 bytes at least.</param>
    /// <param name="length">Its bytes.</param>
    public static unsafe ReadOnlySpan<byte> FirstMessage(byte* file, long length)
    {
        int first = BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(file + 8, 4));
        int prefix = first == -1 ? 8 : 4;
        int claimed = first == -1 ? BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(file + 12, 4)) : first;
        if (claimed < 0 || claimed > length - 8 - prefix)
        {
            Malformed.Throw($"the schema message claims {claimed} bytes in a file of {length}");
        }

        return new ReadOnlySpan<byte>(file + 8 + prefix, claimed);
    }

    private static IpcFile Footer(ReadOnlySpan<byte> footer, long start, bool own)
    {
        var view = new FlatView(footer);
        int root = view.Root();

        // The footer's version is not looked at: old writers left it out. Every message has its own.
        int table = view.Table(root, 1, "schema");
        if (table == 0)
        {
            Malformed.Throw("the footer has no schema");
        }

        var metadata = SegmentFooter.Read(view, root, SchemaCache.Fingerprint);
        var decoded = own && metadata.Fingerprint is { } fingerprint ? OwnSchema(view, table, fingerprint) : SchemaDecoder.Decode(view, table);
        return new IpcFile
        {
            Schema = decoded.Schema,
            Nodes = decoded.Nodes,
            Dictionaries = Blocks(view, root, 2, start),
            Batches = Blocks(view, root, 3, start),
            Metadata = metadata,
            FooterStart = start,
        };
    }

    private static (Schema Schema, FieldNode[] Nodes) OwnSchema(FlatView view, int table, string fingerprint)
    {
        if (!SchemaCache.TryGet(fingerprint, out var known))
        {
            known = SchemaDecoder.Decode(view, table);

            // A damaged segment must not speak for the whole ones of its kind.
            if (Checksum.Of(SchemaEncoder.Message(known.Schema)) == fingerprint)
            {
                SchemaCache.Add(fingerprint, known);
            }
        }

        return known;
    }

    private static Block[] Blocks(FlatView view, int root, int index, long end)
    {
        var (start, count) = view.Vector(root, index, 24, "the list of blocks");
        var blocks = new Block[count];
        for (int i = 0; i < count; i++)
        {
            int at = start + 24 * i;
            var block = new Block(view.I64(at), view.I32(at + 8), view.I64(at + 16));
            if (block.Offset < 8 || block.MetadataLength < 8 || block.BodyLength < 0
                || block.Offset > end || block.BodyLength > end || block.Body + block.BodyLength > end)
            {
                Malformed.Throw($"block {i} at {block.Offset} with {block.BodyLength} bytes lies outside the file");
            }

            blocks[i] = block;
        }

        return blocks;
    }
}
