using Apache.Arrow;
using Gristmill.Objects.Import;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Validation;

namespace Gristmill.Objects;

/// <summary>
/// A table that comes in from outside message by message: for each one <see cref="Begin"/>, its body by <see cref="Write"/> as it arrives, and
/// <see cref="End"/>; at last <see cref="Seal"/>. Bodies go straight to where the object keeps them, so that no table is ever held in memory.
/// </summary>
/// <remarks>
/// The first message is the schema. A dictionary comes before the first batch that needs it, and may be added to or replaced. After an exception
/// only <see cref="Dispose"/> makes sense. Not safe for several threads.
/// </remarks>
public sealed class ObjectImport : IDisposable
{
    private readonly ObjectStore _store;
    private readonly long _maxBytes;
    private readonly long _maxHeld;
    private readonly bool _statistics;
    private readonly BodyDecompressor _dictionaryCodec;
    private readonly Arena _dictionaries = new();
    private readonly Arena _unfolded = new();
    private readonly Dictionary<long, long> _held = [];
    private TableReader? _reader;
    private ObjectWriter? _writer;
    private BatchMessage? _message;
    private BodyTarget? _body;
    private long _bytes;

    internal ObjectImport(ObjectStore store, long maxBytes, long maxHeld, bool statistics)
    {
        _store = store;
        _maxBytes = maxBytes;
        _maxHeld = maxHeld;
        _statistics = statistics;
        _dictionaryCodec = new BodyDecompressor(maxHeld);
    }

    /// <summary>The schema; null before its message has come.</summary>
    public Schema? Schema => _writer?.Schema;

    /// <summary>Takes a message's header and makes room for its body.</summary>
    /// <param name="header">The flatbuffer, without length prefix; it is not kept.</param>
    /// <param name="bodyLength">Bytes that will be written.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Corrupt"/> with what is malformed; <see cref="ErrorCodes.TooLarge"/>: above one of the limits;
    /// <see cref="ErrorCodes.StoreFull"/>.
    /// </exception>
    public void Begin(ReadOnlySpan<byte> header, long bodyLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bodyLength);
        if (_body is not null)
        {
            throw new InvalidOperationException("A message has begun: end it before beginning another.");
        }

        if (_writer is null)
        {
            if (bodyLength != 0)
            {
                Malformed.Throw($"the schema has a body of {bodyLength} bytes");
            }

            var (schema, nodes) = SchemaDecoder.DecodeMessage(header);
            _reader = new TableReader(schema, nodes, ValidationDepth.Full, replacing: true);
            _writer = _store.Create(schema);
            _writer.Bridge = "import";
            if (_statistics)
            {
                _writer.CollectStatistics();
            }

            _body = new BodyTarget(0);
            return;
        }

        var message = BatchMessage.Decode(header) ?? throw Malformed.Because("a message is neither a record batch nor a dictionary");
        if (message.BodyLength < 0 || message.BodyLength > bodyLength)
        {
            Malformed.Throw($"a message claims a body of {message.BodyLength} bytes, {bodyLength} come with it");
        }

        if ((_bytes += bodyLength) > _maxBytes)
        {
            throw TooLarge($"The table has more than the {_maxBytes} bytes that are allowed.");
        }

        _message = message;
        _body = Target(message, bodyLength);
    }

    /// <summary>Takes the next bytes of the body.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (_body is null || bytes.Length > _body.Missing)
        {
            throw new InvalidOperationException("The body is longer than the message said.");
        }

        _body.Write(bytes);
    }

    /// <summary>Ends the message: checks it to the last value and takes it.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/> with what is malformed; <see cref="ErrorCodes.Invalid"/>: dictionaries that cannot be joined; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public void End()
    {
        var body = _body ?? throw new InvalidOperationException("No message has begun.");
        if (body.Missing > 0)
        {
            throw new InvalidOperationException($"{body.Missing} bytes of the body are missing.");
        }

        _body = null;
        if (_message is not { } message)
        {
            return; // the schema
        }

        if (message.IsDictionary)
        {
            _reader!.AddDictionary(message, Buffers(message, body, _dictionaryCodec, _dictionaries));
            return;
        }

        try
        {
            var batch = _reader!.Batch(message, Buffers(message, body, new BodyDecompressor(_maxHeld), _unfolded));
            if (body.InSegment)
            {
                _writer!.EndBatch(batch.Length, [.. batch.Arrays]);
            }
            else
            {
                _writer!.Append(batch);
            }
        }
        finally
        {
            _unfolded.Dispose();
        }
    }

    /// <summary>Seals the object.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: not even a schema has come, or a message is not whole; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public ObjectRef Seal()
    {
        if (_writer is null || _body is not null)
        {
            Malformed.Throw(_writer is null ? "it is empty" : "it is cut off in the middle of a message");
        }

        return _writer.Seal();
    }

    /// <summary>Gives up what is not sealed.</summary>
    public void Dispose()
    {
        _writer?.Dispose();
        _dictionaries.Dispose();
        _unfolded.Dispose();
    }

    private BodyTarget Target(BatchMessage message, long length)
    {
        if (message is { IsDictionary: false, Codec: BodyCodec.None } && BodyTarget.InOrder(message))
        {
            _writer!.BeginBatch();
            return new BodyTarget(length, message, _writer);
        }

        // What cannot stay as it comes is held until it is copied: a batch until it ends, a dictionary until another takes its place.
        if (message.IsDictionary)
        {
            _held[message.DictionaryId] = length + (message.IsDelta ? _held.GetValueOrDefault(message.DictionaryId) : 0);
        }

        if (length > int.MaxValue || _held.Values.Sum() + (message.IsDictionary ? 0 : length) > _maxHeld)
        {
            throw TooLarge($"Dictionaries and compressed batches of more than {_maxHeld} bytes would be held in memory.");
        }

        return new BodyTarget(length, new HeapMemory((int)length));
    }

    private static BodyBuffer Buffers(BatchMessage message, BodyTarget body, BodyDecompressor codec, Arena arena) => message.Codec == BodyCodec.None
        ? (offset, length) => new ArrowBuffer(body.View(offset, (int)length))
        : (offset, length) => new ArrowBuffer(codec.Unfold(message.Codec, body.View(offset, (int)length), arena));

    private static GristmillException TooLarge(string message) => new(ErrorCodes.TooLarge, message, "Send the table in smaller pieces, or raise the limit.");
}
