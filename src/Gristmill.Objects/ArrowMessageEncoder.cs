using System.Buffers.Binary;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Writing;

namespace Gristmill.Objects;

/// <summary>
/// Makes the messages of an Arrow IPC stream of record batches, one batch at a time. Batches may have different dictionaries: each is sent when it
/// changes. Not safe for several threads.
/// </summary>
public sealed class ArrowMessageEncoder : IDisposable
{
    private const int Prefix = 8;
    private readonly Schema _schema;
    private readonly byte[] _message;
    private readonly FieldNode[] _nodes;
    private ArrowStreamWriter? _writer;
    private MemoryStream? _buffer;
    private List<ArrayData> _dictionaries = [];
    private bool _hasSchema;

    /// <summary>Creates the encoder of a stream.</summary>
    /// <param name="schema">Schema of all its batches.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>: it has a type that cannot be sent.</exception>
    public ArrowMessageEncoder(Schema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        _schema = schema;
        (_, _nodes) = SchemaDecoder.DecodeMessage(SchemaEncoder.Message(schema));

        // Arrow's writer gives out the ids of dictionaries: its batches go with its schema.
        using var buffer = new MemoryStream();
        using (var writer = new ArrowStreamWriter(buffer, schema, leaveOpen: true))
        {
            writer.WriteStart();
        }

        _message = buffer.ToArray()[Prefix..];
        _message = _message[..BinaryPrimitives.ReadInt32LittleEndian(buffer.GetBuffer().AsSpan(4))];
    }

    /// <summary>The schema, which comes before all batches.</summary>
    public ArrowMessage SchemaMessage => new(_message, default);

    /// <summary>The messages of a batch: its dictionaries, where they are not those of the batch before, and itself. They own their memory.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the batch does not fit the schema; <see cref="ErrorCodes.TypeMismatch"/>: a column cannot be sent.</exception>
    public IReadOnlyList<ArrowMessage> Encode(RecordBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var columns = BatchShape.Check(_nodes, batch.Length, [.. batch.Arrays]);
        var dictionaries = new List<ArrayData>();
        foreach (var column in columns)
        {
            Collect(column, dictionaries);
        }

        try
        {
            if (_writer is null || !dictionaries.SequenceEqual(_dictionaries, ReferenceEqualityComparer.Instance))
            {
                // Arrow's writer sends dictionaries once, with the first batch. One that begins anew sends them again, which replaces them.
                _writer?.Dispose();
                _buffer = new MemoryStream();
                _writer = new ArrowStreamWriter(_buffer, _schema, leaveOpen: true);
                (_hasSchema, _dictionaries) = (false, dictionaries);
            }

            // The writer finds a dictionary by the very field of its schema, and a batch may have come with fields of its own that are equal.
            _writer.WriteRecordBatch(new RecordBatch(_schema, columns.Select((column, i) => ArrowArrayFactory.BuildArray(Retype(column, _schema.FieldsList[i].DataType))), batch.Length));
        }
        catch (Exception e) when (e is NotSupportedException or NotImplementedException or InvalidOperationException)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"The batch cannot be sent: {e.Message}", "Cast the column to another type.", e);
        }

        // A buffer of its own for each batch: what was made of the last one may still be on its way.
        var bytes = _buffer!.ToArray();
        _buffer.SetLength(0);
        return Split(bytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _writer?.Dispose();

    private List<ArrowMessage> Split(byte[] bytes)
    {
        var messages = new List<ArrowMessage>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4));
            var header = bytes.AsMemory(at + Prefix, length);
            at += Prefix + length;
            if (!_hasSchema)
            {
                _hasSchema = true; // sent by itself
                continue;
            }

            var body = (int)BatchMessage.Decode(header.Span)!.BodyLength;
            messages.Add(new ArrowMessage(header, bytes.AsMemory(at, body)));
            at += body;
        }

        return messages;
    }

    /// <summary>The same data under another instance of its type.</summary>
    private static ArrayData Retype(ArrayData data, IArrowType type)
    {
        // The children of a dictionary's type are those of its values.
        var fields = type is DictionaryType ? [] : Layout.ChildFields(type);
        return new ArrayData(type, data.Length, data.NullCount, data.Offset, data.Buffers,
            [.. (data.Children ?? []).Select((child, i) => Retype(child, fields[i].DataType))],
            data.Dictionary is { } dictionary ? Retype(dictionary, ((DictionaryType)type).ValueType) : null);
    }

    private static void Collect(ArrayData data, List<ArrayData> into)
    {
        if (data.Dictionary is { } dictionary)
        {
            into.Add(dictionary);
            Collect(dictionary, into);
        }

        foreach (var child in data.Children ?? [])
        {
            Collect(child, into);
        }
    }
}
