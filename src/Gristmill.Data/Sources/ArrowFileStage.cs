using System.Buffers.Binary;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Objects;

namespace Gristmill.Data.Sources;

/// <summary>Arrow IPC files and streams, message by message. Each is validated before an array is built of it, so that a hostile file is an error and nothing worse.</summary>
internal sealed class ArrowFileStage(FlowRun run, FileRead read) : FileStage(run, read)
{
    private const int LongestHeader = 64 << 20;

    protected override Schema SchemaOf(SourceFile file)
    {
        using var stream = Open(file);
        var decoder = new ArrowMessageDecoder();
        Next(stream, decoder, out _);
        return decoder.Schema ?? throw new InvalidDataException("it does not begin with a schema");
    }

    protected override IEnumerable<Block> Blocks(SourceFile file)
    {
        using var stream = Open(file);
        var decoder = new ArrowMessageDecoder();
        while (Next(stream, decoder, out var bytes) is { } message)
        {
            Position = stream.Position;
            if (message.Batch is not { Length: > 0 } batch)
            {
                continue;
            }

            // A large batch is handed on in parts, as views.
            var blocks = (batch.Length + BlockSize.Rows - 1) / BlockSize.Rows;
            var foreign = new ForeignBytes(Run.Memory, bytes, blocks);
            for (var i = 0; i < blocks; i++)
            {
                var first = i * BlockSize.Rows;
                yield return new Block(blocks == 1 ? batch : batch.Slice(first, Math.Min(BlockSize.Rows, batch.Length - first)), null, null, foreign);
            }
        }
    }

    private static FileStream Open(SourceFile file)
    {
        var stream = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            // A file is a stream behind eight bytes.
            Span<byte> magic = stackalloc byte[8];
            if (stream.ReadAtLeast(magic, 8, throwOnEndOfStream: false) < 8 || !magic[..6].SequenceEqual("ARROW1"u8))
            {
                stream.Position = 0;
            }

            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The next message; null at the end.</summary>
    private static Message? Next(FileStream stream, ArrowMessageDecoder decoder, out long bytes)
    {
        bytes = 0;
        Span<byte> prefix = stackalloc byte[4];
        var read = stream.ReadAtLeast(prefix, 4, throwOnEndOfStream: false);
        if (read == 0)
        {
            return null;
        }

        if (read == 4 && BinaryPrimitives.ReadInt32LittleEndian(prefix) == -1)
        {
            read = stream.ReadAtLeast(prefix, 4, throwOnEndOfStream: false);
        }

        var length = read == 4 ? BinaryPrimitives.ReadInt32LittleEndian(prefix) : throw new InvalidDataException("it is cut off between messages");
        if (length == 0)
        {
            return null;
        }

        if (length < 0 || length > LongestHeader || length > stream.Length - stream.Position)
        {
            throw new InvalidDataException(FormattableString.Invariant($"a message claims a header of {length} bytes"));
        }

        var header = new byte[length];
        stream.ReadExactly(header);
        var bodyLength = MessageLength.Of(header);
        if (bodyLength < 0 || bodyLength > stream.Length - stream.Position || bodyLength > System.Array.MaxLength)
        {
            throw new InvalidDataException(FormattableString.Invariant($"a message claims a body of {bodyLength} bytes, and {stream.Length - stream.Position} follow"));
        }

        var body = GC.AllocateUninitializedArray<byte>((int)bodyLength, pinned: bodyLength > 0);
        stream.ReadExactly(body);
        bytes = bodyLength;
        return new Message(decoder.Decode(header, body));
    }

    private sealed record Message(RecordBatch? Batch);
}
