using System.Buffers.Binary;
using Apache.Arrow;
using Gristmill.Objects.Import;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects;

/// <summary>Reads Arrow IPC from outside without a store, such as the body of a predict request.</summary>
public static class ArrowIpc
{
    private const int Prefix = 8;

    /// <summary>A schema as an IPC message with its length prefix, as it stands at the start of a stream.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>: it has a type that cannot be stored.</exception>
    public static byte[] Encode(Schema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        byte[] message = SchemaEncoder.Message(schema), whole = new byte[Prefix + message.Length];
        BinaryPrimitives.WriteInt32LittleEndian(whole, -1);
        BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(4), message.Length);
        message.CopyTo(whole, Prefix);
        return whole;
    }

    /// <summary>Reads a schema that <see cref="Encode"/>, or another writer of IPC streams, has written.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/> with what is malformed.</exception>
    public static Schema DecodeSchema(ReadOnlySpan<byte> message)
    {
        if (message.Length < Prefix || BinaryPrimitives.ReadInt32LittleEndian(message) != -1
            || BinaryPrimitives.ReadInt32LittleEndian(message[4..]) is var length && (length < 0 || length > message.Length - Prefix))
        {
            throw Malformed.Because("it does not begin as an IPC message");
        }

        return SchemaDecoder.DecodeMessage(message.Slice(Prefix, length)).Schema;
    }

    /// <summary>
    /// Decodes an IPC stream or file, LZ4 and Zstandard bodies too. Everything is validated before any array is built, so
    /// hostile bytes give an error and nothing worse.
    /// </summary>
    /// <param name="bytes">The whole stream or file; copied once.</param>
    /// <param name="maxBytes">Bytes that compressed buffers may unfold to, all together.</param>
    /// <returns>The schema, and the batches, which own their memory.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/> with what is malformed; <see cref="ErrorCodes.Invalid"/> above <paramref name="maxBytes"/>.</exception>
    public static (Schema Schema, IReadOnlyList<RecordBatch> Batches) Decode(ReadOnlySpan<byte> bytes, long maxBytes = 1L << 30)
    {
        var memory = new HeapMemory(bytes.Length);
        unsafe
        {
            bytes.CopyTo(new Span<byte>(memory.Pointer, bytes.Length));
            var source = new IpcSource(memory, memory.Pointer, bytes.Length, maxBytes);
            var arena = new Arena();
            return (source.Schema, [.. source.Batches(arena, arena)]);
        }
    }
}
