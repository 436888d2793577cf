using System.Buffers.Binary;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Conformance;

/// <summary>Makes files say that their numbers are big-endian.</summary>
internal static class Endian
{
    /// <summary>The same file or stream with another schema; null if its format is neither.</summary>
    public static unsafe byte[]? Claim(byte[] bytes)
    {
        if (bytes.AsSpan(0, 6).SequenceEqual(IpcFile.Magic[..6]))
        {
            fixed (byte* start = bytes)
            {
                var file = IpcFile.Parse(start, bytes.Length);
                byte[] footer = MessageEncoder.Footer(file.Schema, [.. file.Dictionaries], [.. file.Batches], new Dictionary<string, string>());
                var view = new FlatView(footer);
                footer[view.Field(view.Table(view.Root(), 1, "schema"), 0)] = 1;
                byte[] tail = [.. footer, .. BitConverter.GetBytes(footer.Length), .. IpcFile.Magic[..6]];
                return [.. bytes.AsSpan(0, (int)file.FooterStart), .. tail];
            }
        }

        int prefix = BinaryPrimitives.ReadInt32LittleEndian(bytes) == -1 ? 8 : 4;
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(prefix - 4));
        byte[] schema = SchemaEncoder.Message(SchemaDecoder.DecodeMessage(bytes.AsSpan(prefix, length)).Schema);
        var message = new FlatView(schema);
        schema[message.Field(message.Table(message.Root(), 2, "schema"), 0)] = 1;
        return [.. bytes.AsSpan(0, prefix - 4), .. BitConverter.GetBytes(schema.Length), .. schema, .. bytes.AsSpan(prefix + length)];
    }
}
