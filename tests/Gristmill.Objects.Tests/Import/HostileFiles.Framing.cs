using System.Buffers.Binary;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Import;

/// <summary>Lengths, offsets and footers around the messages.</summary>
internal static partial class HostileFiles
{
    private static CraftedBatch Two => Rows(2).Node(2).Bytes().Ints(1, 2);

    private static IEnumerable<Hostile> Framing()
    {
        yield return new("nothing", () => [], "it is empty");
        yield return new("end of a stream alone", () => [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], "neither an IPC stream nor an IPC file");
        yield return new("message of 2^31 bytes", () => [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x80, .. new byte[64]], "claims 2147483648 bytes of metadata");
        yield return new("message of 2^32 - 1 bytes", () => [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, .. new byte[64]], "claims 4294967295 bytes of metadata");
        yield return new("message of three bytes", () => [0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, 1, 2, 3], "outside its buffer");
        yield return new("root outside its message", () => Edited(8, 0x7ffffff0), "leaves its buffer");
        yield return new("root at itself", () => Edited(8, 0), "leaves its buffer");
        yield return new("vtable outside its message", () => EditedAt(view => view.Root(), int.MinValue + 16), "vtable lies outside");
        yield return new("vtable behind its message", () => EditedAt(view => view.Root(), -0x100000), "vtable lies outside");
        yield return new("two billion fields", () => EditedAt(view => view.Vector(view.Table(view.Root(), 2, ""), 1, 4, "").Start - 4, int.MaxValue), "claims 2147483647 elements");
        yield return new("a negative number of fields", () => EditedAt(view => view.Vector(view.Table(view.Root(), 2, ""), 1, 4, "").Start - 4, -1), "claims -1 elements");
        yield return new("a name of a gigabyte", () => EditedAt(view => NameOf(view) - 4, 1 << 30), "claims 1073741824 elements");
        yield return new("first message is a batch", () => Crafted.Stream(Two.Message()), "first message is not a schema");
        yield return new("schema of metadata version 3", () => Crafted.Stream(CraftedField.Schema([CraftedField.Integer("x")], version: 2)), "has version 3");
        yield return new("big-endian stream", () => Crafted.Stream(CraftedField.Schema([CraftedField.Integer("x")], endianness: 1), Rows(2).Node(2).Bytes().Bytes(0, 0, 0, 1, 0, 0, 0, 2)), "big-endian");
        yield return new("stream cut inside a length", () => [.. Crafted.Stream(s_number, Two)[..^8], 0xff, 0xff], "cut off");
        yield return new("stream cut inside a body", () => Crafted.Stream(s_number, Two)[..^12], "cut off or damaged");

        yield return new("file of nothing but magic", () => "ARROW1\0\0ARROW1\0\0"u8.ToArray(), "does not start and end with ARROW1");
        yield return new("file with something behind it", () => [.. Crafted.File(s_number, [Two]), 1, 2, 3], "does not start and end with ARROW1");
        yield return Footer("footer longer than its file", "footer claims", 1 << 30);
        yield return Footer("footer of negative length", "footer claims -1", -1);
        yield return Footer("footer of no bytes", "footer claims 0", 0);
        yield return Blocks("block behind its file", "outside the file", block => block with { Offset = 1 << 30 });
        yield return Blocks("block whose end overflows", "outside the file", block => block with { Offset = long.MaxValue - 8 });
        yield return Blocks("block at a negative offset", "outside the file", block => block with { Offset = -8 });
        yield return Blocks("block before the first message", "outside the file", block => block with { Offset = 0 });
        yield return Blocks("block without metadata", "outside the file", block => block with { MetadataLength = 0 });
        yield return Blocks("block with metadata of negative length", "outside the file", block => block with { MetadataLength = -8 });
        yield return Blocks("block with a body of 2^62 bytes", "outside the file", block => block with { BodyLength = 1L << 62 });
        yield return Blocks("block with a body that is cut", "claims a body of 8", block => block with { BodyLength = 4 });
        yield return Blocks("block with metadata that is cut", "its block holds 16", block => block with { MetadataLength = 16 });
        yield return Blocks("block at the schema", "neither a record batch nor a dictionary", block => block with { Offset = 8, MetadataLength = (int)block.Offset - 8 });
        yield return new("batch among the dictionaries", () => Crafted.File(s_number, [Two], dictionaryBlocks: _ => [new Block(8 + SchemaLength, (int)BatchMetadata, 8)], batchBlocks: _ => []), "not what the footer says");

        // A footer of some kilobytes that names one message a thousand times.
        yield return new("blocks over each other", () => Crafted.File(s_number, [Two], batchBlocks: blocks => [.. Enumerable.Repeat(blocks[0], 1000)]), "lie over each other");
    }

    private static int SchemaLength => 8 + SchemaEncoder.Message(s_number).Length;

    private static long BatchMetadata => 8 + Two.Message().Length;

    private static Hostile Footer(string name, string says, int length) => new(name, () =>
    {
        byte[] file = Crafted.File(s_number, [Two]);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(file.Length - 10), length);
        return file;
    }, says);

    private static Hostile Blocks(string name, string says, Func<Block, Block> change) =>
        new(name, () => Crafted.File(s_number, [Two], batchBlocks: blocks => [.. blocks.Select(change)]), says);

    private static byte[] Edited(int at, int value)
    {
        byte[] stream = Crafted.Stream(s_number, Two);
        BinaryPrimitives.WriteInt32LittleEndian(stream.AsSpan(at), value);
        return stream;
    }

    private delegate int Place(FlatView view);

    /// <summary>A stream with another number in its schema message.</summary>
    private static byte[] EditedAt(Place place, int value) => Edited(8 + place(new FlatView(SchemaEncoder.Message(s_number))), value);

    private static int NameOf(FlatView view) => view.Vector(view.Element(view.Vector(view.Table(view.Root(), 2, ""), 1, 4, "").Start, 0, ""), 0, 1, "").Start;
}
