using Apache.Arrow;
using Gristmill.Objects.Import;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Validation;

namespace Gristmill.Objects;

/// <summary>
/// Makes record batches of the messages of an Arrow IPC stream, as they come one at a time. Everything is validated before any array is built, so
/// hostile bytes give an error and nothing worse. Not safe for several threads.
/// </summary>
/// <param name="maxUnfolded">Bytes that the compressed buffers of one message may unfold to.</param>
public sealed class ArrowMessageDecoder(long maxUnfolded = int.MaxValue)
{
    private TableReader? _reader;

    /// <summary>The schema, which is the first message; null before it has come.</summary>
    public Schema? Schema { get; private set; }

    /// <summary>Takes the next message.</summary>
    /// <param name="header">The flatbuffer, without length prefix; it is not kept.</param>
    /// <param name="body">Its body; a batch and a dictionary keep it, and copy nothing.</param>
    /// <returns>The batch; null for a schema or a dictionary.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/> with what is malformed; <see cref="ErrorCodes.Invalid"/> above the limit.</exception>
    public RecordBatch? Decode(ReadOnlySpan<byte> header, ReadOnlyMemory<byte> body)
    {
        if (_reader is null)
        {
            var (schema, nodes) = SchemaDecoder.DecodeMessage(header);
            _reader = new TableReader(schema, nodes, ValidationDepth.Full, replacing: true);
            Schema = schema;
            return null;
        }

        var message = BatchMessage.Decode(header) ?? throw Malformed.Because("a message is neither a record batch nor a dictionary");
        if (message.BodyLength < 0 || message.BodyLength > body.Length)
        {
            Malformed.Throw($"a message claims a body of {message.BodyLength} bytes, {body.Length} come with it");
        }

        var buffers = Buffers(message, body);
        if (!message.IsDictionary)
        {
            return _reader.Batch(message, buffers);
        }

        _reader.AddDictionary(message, buffers);
        return null;
    }

    private BodyBuffer Buffers(BatchMessage message, ReadOnlyMemory<byte> body)
    {
        if (message.Codec == BodyCodec.None)
        {
            return (offset, length) => new ArrowBuffer(body.Slice((int)offset, (int)length));
        }

        var (decompressor, arena) = (new BodyDecompressor(maxUnfolded), new Arena());
        return (offset, length) => new ArrowBuffer(decompressor.Unfold(message.Codec, body.Slice((int)offset, (int)length), arena));
    }
}
