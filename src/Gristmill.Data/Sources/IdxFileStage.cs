using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources;

/// <summary>IDX files, such as those of MNIST: an item a row. Whether one is packed by gzip is told by its first bytes.</summary>
internal sealed class IdxFileStage(FlowRun run, FileRead read) : FileStage(run, read)
{
    protected override Schema SchemaOf(SourceFile file)
    {
        using var opened = Opened(file);
        using var stream = Unpacked(opened);
        var header = IdxHeader.Read(stream);
        // Of a packed file it shows only at its end.
        if (stream == opened && opened.Length - header.Bytes != header.Items * header.ItemBytes)
        {
            throw new InvalidDataException(FormattableString.Invariant($"{header.Items} items of {header.ItemBytes} bytes are announced, and {opened.Length - header.Bytes} bytes follow"));
        }

        return header.Schema;
    }

    protected override IEnumerable<Block> Blocks(SourceFile file)
    {
        using var opened = Opened(file);
        using var stream = Unpacked(opened);
        var header = IdxHeader.Read(stream);
        var most = (int)Math.Clamp(Run.Shares.Block / header.ItemBytes, 1, BlockSize.Rows);
        for (var done = 0L; done < header.Items;)
        {
            var rows = (int)Math.Min(most, header.Items - done);
            yield return Next(stream, header, rows, done);
            done += rows;
            Position = opened.Position;
        }

        if (stream.ReadByte() >= 0)
        {
            throw new InvalidDataException(FormattableString.Invariant($"more follows behind the {header.Items} items that are announced"));
        }
    }

    private static FileStream Opened(SourceFile file) => new(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);

    private static Stream Unpacked(FileStream file)
    {
        var isPacked = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        return isPacked ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : file;
    }

    private static void Turn(Span<byte> bytes, int width)
    {
        switch (width)
        {
            case 2:
                var shorts = MemoryMarshal.Cast<byte, short>(bytes);
                BinaryPrimitives.ReverseEndianness(shorts, shorts);
                break;
            case 4:
                var ints = MemoryMarshal.Cast<byte, int>(bytes);
                BinaryPrimitives.ReverseEndianness(ints, ints);
                break;
            case 8:
                var longs = MemoryMarshal.Cast<byte, long>(bytes);
                BinaryPrimitives.ReverseEndianness(longs, longs);
                break;
            default:
                break;
        }
    }

    private Block Next(Stream stream, IdxHeader header, int rows, long done)
    {
        var memory = new BlockMemory(Run.Memory);
        try
        {
            var bytes = memory.AllocateUninitialized(rows * header.ItemBytes);
            var came = stream.ReadAtLeast(bytes.Span, bytes.Length, throwOnEndOfStream: false);
            if (came < bytes.Length)
            {
                throw new InvalidDataException(FormattableString.Invariant($"it ends in item {done + (came / header.ItemBytes)} of {header.Items}"));
            }

            Turn(bytes.Span, header.Width);
            var numbers = new ArrayData(header.Type, rows * header.ItemNumbers, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(bytes)], System.Array.Empty<ArrayData>());
            var column = header.Lengths.Count == 1 ? numbers : new ArrayData(Schema.GetFieldByIndex(0).DataType, rows, 0, 0, [ArrowBuffer.Empty], [numbers]);
            return new Block(new RecordBatch(Schema, [ArrowArrayFactory.BuildArray(column)], rows), memory);
        }
        catch
        {
            memory.Release();
            throw;
        }
    }
}
