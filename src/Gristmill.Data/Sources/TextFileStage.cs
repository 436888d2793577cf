using System.Buffers;
using System.IO.Compression;
using System.Text.Unicode;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources;

/// <summary>Lines of text, without what ends them.</summary>
internal sealed class TextFileStage(FlowRun run, FileRead read) : FileStage(run, read)
{
    private const int Longest = 1 << 28;
    private static readonly Schema s_schema = new([new Field("line", StringType.Default, nullable: false)], null);

    protected override Schema SchemaOf(SourceFile file)
    {
        using var opened = File.OpenRead(file.Path);
        return s_schema;
    }

    protected override IEnumerable<Block> Blocks(SourceFile file)
    {
        using var opened = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        using Stream stream = Path.GetExtension(file.Path).Equals(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(opened, CompressionMode.Decompress) : opened;
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        BlockMemory? open = null;
        try
        {
            var (start, end, ended, number) = (0, 0, false, 0L);
            while (!ended || end > start)
            {
                var memory = open = new BlockMemory(Run.Memory);
                var builder = new BytesBuilder(StringType.Default);
                builder.Begin(memory, BlockSize.Rows);
                var rows = 0;
                var written = 0L;
                while (rows < BlockSize.Rows && written < Run.Shares.Block)
                {
                    var line = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
                    if (line < 0 && !ended)
                    {
                        (buffer, start, end) = Refill(stream, buffer, start, end, out ended);
                        Position = opened.Position;
                        continue;
                    }

                    if (line < 0 && start == end)
                    {
                        break;
                    }

                    var text = Text(buffer.AsSpan(start, line < 0 ? end - start : line), number);
                    builder.Set(rows, text);
                    start = line < 0 ? end : start + line + 1;
                    written += text.Length;
                    rows++;
                    number++;
                }

                if (rows == 0)
                {
                    break;
                }

                open = null;
                yield return new Block(new RecordBatch(s_schema, [builder.Build(rows)], rows), memory);
            }
        }
        finally
        {
            open?.Release();
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> line, long number)
    {
        line = line is [.., (byte)'\r'] ? line[..^1] : line;
        line = number == 0 && line.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? line[3..] : line;
        return Utf8.IsValid(line) ? line : throw new InvalidDataException(FormattableString.Invariant($"line {number + 1} is not UTF-8"));
    }

    private static (byte[] Buffer, int Start, int End) Refill(Stream stream, byte[] buffer, int start, int end, out bool ended)
    {
        var rest = end - start;
        var target = buffer;
        if (rest > buffer.Length / 2)
        {
            target = rest < Longest ? ArrayPool<byte>.Shared.Rent(buffer.Length * 2) : throw new InvalidDataException("a line is longer than 256 MiB");
        }

        buffer.AsSpan(start, rest).CopyTo(target);
        if (target != buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        var read = stream.Read(target, rest, target.Length - rest);
        ended = read == 0;
        return (target, 0, rest + read);
    }
}
