using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources.Avro;

/// <summary>
/// Avro container files. One thread reads blocks as they are on the disk; the workers unpack and decode them (<see cref="AvroSource"/>). Why here and not by Avro's own
/// library: it makes an object of each value and believes lengths that a file claims.
/// </summary>
internal sealed class AvroFileStage(FlowRun run, FileRead read) : FileStage(run, read)
{
    private static readonly Schema s_none = new([], null);

    public GristmillException Damaged(SourceFile file, Exception e) => Unreadable(file, e);

    protected override Schema SchemaOf(SourceFile file)
    {
        using var stream = Open(file);
        return new Schema([.. AvroHeader.Read(stream, file.Name).Columns.Select(static column => new Field(column.Name, column.Type.Arrow, nullable: true))], null);
    }

    protected override IEnumerable<Block> Blocks(SourceFile file)
    {
        using var stream = Open(file);
        var header = AvroHeader.Read(stream, file.Name);
        var (number, row) = (0L, 0L);
        BlockMemory? open = null;
        try
        {
            while (stream.Position < stream.Length)
            {
                var memory = open = new BlockMemory(Run.Memory);
                var parts = new List<AvroBlock>();
                var (rows, bytes) = (0, 0L);
                while (stream.Position < stream.Length && rows < BlockSize.Rows && bytes < Run.Shares.Block)
                {
                    var (count, data) = Next(stream, header, memory, number);
                    parts.Add(new AvroBlock(number++, row, count, data));
                    row += count;
                    rows += count;
                    bytes += data.Length;
                }

                Position = stream.Position;
                open = null;
                yield return new AvroBlocks(new RecordBatch(s_none, System.Array.Empty<IArrowArray>(), rows), memory, file, header, parts);
            }
        }
        finally
        {
            open?.Release();
        }
    }

    private static FileStream Open(SourceFile file) => new(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);

    /// <summary>The next block: how many rows, how many bytes, these, and what ends it.</summary>
    private static (int Rows, Memory<byte> Data) Next(FileStream stream, AvroHeader header, BlockMemory memory, long number)
    {
        var (rows, length) = (AvroHeader.Number(stream), AvroHeader.Number(stream));
        // A row takes a byte at least, also of those that are packed.
        if (rows is < 0 or > AvroCodec.LargestBlock || length is < 0 or > AvroCodec.LargestBlock)
        {
            throw new InvalidDataException(FormattableString.Invariant($"block {number} claims {rows} rows in {length} bytes, and may have {AvroCodec.LargestBlock >> 20} MiB"));
        }

        if (length + AvroHeader.SyncBytes > stream.Length - stream.Position)
        {
            throw new InvalidDataException(FormattableString.Invariant($"it is cut off in block {number}: {length} bytes are announced, and {stream.Length - stream.Position} follow"));
        }

        var data = memory.AllocateUninitialized((int)length);
        stream.ReadExactly(data.Span);
        Span<byte> sync = stackalloc byte[AvroHeader.SyncBytes];
        stream.ReadExactly(sync);
        return sync.SequenceEqual(header.Sync) ? ((int)rows, data) : throw new InvalidDataException(FormattableString.Invariant($"block {number} does not end as it should: it is damaged"));
    }
}
