using System.Buffers.Binary;
using Apache.Arrow;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Validation;

namespace Gristmill.Objects.Import;

/// <summary>
/// An Arrow IPC stream or file from outside, whole in memory. Every message is located and decoded with checks before a
/// batch is built, and each array validated to the last value before Arrow's classes see it.
/// </summary>
internal sealed unsafe class IpcSource
{
    private readonly MappedMemory _owner;
    private readonly byte* _start;
    private readonly long _length;
    private readonly List<(BatchMessage Message, long Body)> _messages = [];
    private readonly FieldNode[] _nodes;
    private readonly BodyDecompressor _decompressor;
    private readonly bool _isFile;

    /// <summary>Reads the structure of the bytes.</summary>
    /// <param name="owner">Keeps them alive.</param>
    /// <param name="start">Their start.</param>
    /// <param name="length">Their number.</param>
    /// <param name="maxBytes">Bytes that all buffers together may come to: compressed ones unfold, others may lie over each other.</param>
    public IpcSource(MappedMemory owner, byte* start, long length, long maxBytes)
    {
        _owner = owner;
        _start = start;
        _length = length;
        _decompressor = new BodyDecompressor(Math.Max(maxBytes, length));
        _isFile = length >= 8 && new ReadOnlySpan<byte>(start, 6).SequenceEqual(IpcFile.Magic[..6]);
        (Schema, _nodes) = _isFile ? ReadFile() : ReadStream();
    }

    /// <summary>The schema.</summary>
    public Schema Schema { get; }

    /// <summary>The batches, one after the other.</summary>
    /// <param name="arena">Where a batch's compressed buffers are unfolded: it is valid until this is disposed.</param>
    /// <param name="dictionaries">Where those of dictionaries are.</param>
    public IEnumerable<RecordBatch> Batches(Arena arena, Arena dictionaries)
    {
        var reader = new TableReader(Schema, _nodes, ValidationDepth.Full, replacing: !_isFile);
        foreach (var (message, body) in Ordered())
        {
            if (message.Codec == BodyCodec.None)
            {
                _decompressor.Charge(message.Buffers.Sum(buffer => buffer.Length));
            }

            if (message.IsDictionary)
            {
                reader.AddDictionary(message, Body(message, body, dictionaries));
            }
            else
            {
                yield return reader.Batch(message, Body(message, body, arena));
            }
        }
    }

    /// <summary>
    /// The messages in an order that needs nothing from behind. Additions stand with the dictionaries they add to: they only append, so that
    /// earlier indices keep their meaning, and each dictionary is put together once, however often batches stand between. The first dictionary
    /// of an id stands before all batches: that of a column of nulls may come late
    /// (https://arrow.apache.org/docs/format/Columnar.html#dictionary-messages).
    /// </summary>
    private IEnumerable<(BatchMessage Message, long Body)> Ordered()
    {
        var last = new Dictionary<long, List<(BatchMessage, long)>>();
        List<List<(BatchMessage, long)>> first = [], rest = [];
        foreach (var entry in _messages)
        {
            bool known = last.TryGetValue(entry.Message.DictionaryId, out var whole);
            if (!entry.Message.IsDictionary)
            {
                rest.Add([entry]);
            }
            else if (known && entry.Message.IsDelta)
            {
                whole!.Add(entry);
            }
            else
            {
                (known ? rest : first).Add(last[entry.Message.DictionaryId] = [entry]);
            }
        }

        return first.Concat(rest).SelectMany(group => group);
    }

    private (Schema, FieldNode[]) ReadFile()
    {
        var file = IpcFile.Parse(_start, _length);
        CheckApart([.. file.Dictionaries, .. file.Batches]);
        foreach (var block in file.Dictionaries)
        {
            _messages.Add((Message(IpcFile.Message(_start, block), dictionary: true, block.BodyLength), block.Body));
        }

        foreach (var block in file.Batches)
        {
            _messages.Add((Message(IpcFile.Message(_start, block), dictionary: false, block.BodyLength), block.Body));
        }

        return (file.Schema, file.Nodes);
    }

    /// <summary>Messages of a file lie apart: a small footer could else name a large one a million times.</summary>
    private static void CheckApart(Block[] blocks)
    {
        System.Array.Sort(blocks, (a, b) => a.Offset.CompareTo(b.Offset));
        for (int i = 1; i < blocks.Length; i++)
        {
            if (blocks[i].Offset < blocks[i - 1].Body + blocks[i - 1].BodyLength)
            {
                Malformed.Throw($"the blocks at {blocks[i - 1].Offset} and {blocks[i].Offset} lie over each other");
            }
        }
    }

    private (Schema, FieldNode[]) ReadStream()
    {
        long position = 0;
        var first = Next(ref position);
        if (first.IsEmpty)
        {
            Malformed.Throw(_length == 0 ? "it is empty" : "it is neither an IPC stream nor an IPC file");
        }

        var (schema, nodes) = SchemaDecoder.DecodeMessage(first);
        while (true)
        {
            var bytes = Next(ref position);
            if (bytes.IsEmpty)
            {
                return (schema, nodes);
            }

            var message = Message(bytes, dictionary: null, _length - position);
            _messages.Add((message, position));
            position += message.BodyLength;
        }
    }

    /// <summary>The next message of a stream, and the position behind it; empty at the end.</summary>
    private ReadOnlySpan<byte> Next(ref long position)
    {
        if (position == _length)
        {
            return default; // writers may leave the end mark out
        }

        int length = ReadInt(ref position);
        if (length == -1)
        {
            length = ReadInt(ref position); // before format 1.0 there was no mark before the length
        }

        if (length == 0)
        {
            return default;
        }

        if (length < 0 || length > _length - position)
        {
            Malformed.Throw($"the message before byte {position} claims {(uint)length} bytes of metadata, {_length - position} are left");
        }

        var message = new ReadOnlySpan<byte>(_start + position, length);
        position += length;
        return message;
    }

    private int ReadInt(ref long position)
    {
        if (_length - position < 4)
        {
            Malformed.Throw($"it is cut off at byte {_length}");
        }

        int value = BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(_start + position, 4));
        position += 4;
        return value;
    }

    private static BatchMessage Message(ReadOnlySpan<byte> bytes, bool? dictionary, long bodyRoom)
    {
        var message = BatchMessage.Decode(bytes) ?? throw Malformed.Because("a message is neither a record batch nor a dictionary");
        if (dictionary is { } wanted && message.IsDictionary != wanted)
        {
            Malformed.Throw("a message is not what the footer says");
        }

        if (message.BodyLength < 0 || message.BodyLength > bodyRoom)
        {
            Malformed.Throw($"a message claims a body of {message.BodyLength} bytes, {bodyRoom} are left: it is cut off or damaged");
        }

        return message;
    }

    private BodyBuffer Body(BatchMessage message, long body, Arena arena) => message.Codec == BodyCodec.None
        ? (offset, length) => new ArrowBuffer(View(body + offset, (int)length))
        : (offset, length) => new ArrowBuffer(_decompressor.Unfold(message.Codec, View(body + offset, (int)length), arena));

    private ReadOnlyMemory<byte> View(long position, int length) => new SegmentMemory(_owner, _start + position, length).Memory;
}
