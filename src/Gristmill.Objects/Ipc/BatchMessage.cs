namespace Gristmill.Objects.Ipc;

/// <summary>The compression of a body's buffers.</summary>
internal enum BodyCodec
{
    None,
    Lz4Frame,
    Zstd,
}

/// <summary>A decoded record batch or dictionary message: what its body holds and where, nothing of the body read.</summary>
internal sealed class BatchMessage
{
    public required bool IsDictionary { get; init; }
    public required long DictionaryId { get; init; }
    public required bool IsDelta { get; init; }
    public required short Version { get; init; }
    public required long Rows { get; init; }
    public required (long Length, long NullCount)[] Nodes { get; init; }
    public required (long Offset, long Length)[] Buffers { get; init; }
    public required long[] Variadic { get; init; }
    public required BodyCodec Codec { get; init; }
    public required long BodyLength { get; init; }

    /// <summary>Decodes a message that is a record batch or a dictionary; null for any other kind.</summary>
    public static BatchMessage? Decode(ReadOnlySpan<byte> message)
    {
        var view = new FlatView(message);
        int root = view.Root();
        short version = view.I16(root, 0, 0);
        SchemaDecoder.CheckVersion(version);
        byte kind = view.U8(root, 1, 0);
        if (kind is not (2 or 3))
        {
            return null;
        }

        int header = view.Table(root, 2, "message header");
        int batch = header;
        if (header != 0 && kind == 2)
        {
            batch = view.Table(header, 1, "dictionary batch");
        }

        if (batch == 0)
        {
            Malformed.Throw("a message has no header");
        }

        var (nodeStart, nodeCount) = view.Vector(batch, 1, 16, "the list of nodes");
        var nodes = new (long, long)[nodeCount];
        for (int i = 0; i < nodeCount; i++)
        {
            nodes[i] = (view.I64(nodeStart + 16 * i), view.I64(nodeStart + 16 * i + 8));
        }

        long bodyLength = view.I64(root, 3, 0);
        var (bufferStart, bufferCount) = view.Vector(batch, 2, 16, "the list of buffers");
        var buffers = new (long, long)[bufferCount];
        for (int i = 0; i < bufferCount; i++)
        {
            long offset = view.I64(bufferStart + 16 * i), length = view.I64(bufferStart + 16 * i + 8);
            if (offset < 0 || length < 0 || offset > bodyLength - length)
            {
                Malformed.Throw($"buffer {i} lies at {offset} with {length} bytes, outside its body of {bodyLength}");
            }

            buffers[i] = (offset, length);
        }

        var (variadicStart, variadicCount) = view.Vector(batch, 4, 8, "the list of view buffers");
        var variadic = new long[variadicCount];
        for (int i = 0; i < variadicCount; i++)
        {
            variadic[i] = view.I64(variadicStart + 8 * i);
        }

        var codec = BodyCodec.None;
        if (view.Table(batch, 3, "compression") is var compression && compression != 0)
        {
            if (view.U8(compression, 1, 0) != 0)
            {
                Malformed.Throw("its compression method is not known");
            }

            codec = view.U8(compression, 0, 0) switch
            {
                0 => BodyCodec.Lz4Frame,
                1 => BodyCodec.Zstd,
                var other => throw Malformed.Because($"compression {other} is not known"),
            };
        }

        long rows = view.I64(batch, 0, 0);
        if (rows is < 0 or > int.MaxValue)
        {
            Malformed.Throw($"a batch has {rows} rows; up to {int.MaxValue} can be read");
        }

        return new BatchMessage
        {
            IsDictionary = kind == 2,
            DictionaryId = kind == 2 ? view.I64(header, 0, 0) : 0,
            IsDelta = kind == 2 && view.U8(header, 2, 0) != 0,
            Version = version,
            Rows = rows,
            Nodes = nodes,
            Buffers = buffers,
            Variadic = variadic,
            Codec = codec,
            BodyLength = bodyLength,
        };
    }
}
