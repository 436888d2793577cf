using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Snappier;
using ZstdSharp;

namespace Gristmill.Data.Sources.Avro;

/// <summary>How blocks are packed. A block is never taken to be larger than <see cref="LargestBlock"/>, whatever it unpacks to.</summary>
internal abstract class AvroCodec
{
    /// <summary>Bytes of the largest block, packed or not: writers make blocks of some ten or hundred KiB.</summary>
    public const int LargestBlock = 64 << 20;

    private static readonly AvroCodec[] s_known = [new Plain(), new Deflate(), new SnappyCodec(), new Zstandard()];

    /// <summary>The name, as files have it.</summary>
    public abstract string Name { get; }

    /// <exception cref="InvalidDataException">It is not known.</exception>
    public static AvroCodec Of(string name) => s_known.FirstOrDefault(codec => codec.Name == name)
        ?? throw new InvalidDataException($"it is packed by '{name}'; what is read is {string.Join(", ", s_known.Select(static codec => codec.Name))}");

    /// <summary>Unpacks a block.</summary>
    /// <param name="packed">As the file has it.</param>
    /// <param name="buffer">Where it goes: from the pool, and a larger one takes its place if need be.</param>
    /// <returns>Bytes in the buffer.</returns>
    /// <exception cref="InvalidDataException">It is damaged or too large.</exception>
    public abstract int Unpack(ReadOnlySpan<byte> packed, ref byte[] buffer);

    /// <summary>Packs a block.</summary>
    public abstract ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> block, ref byte[] buffer);

    private static void Ensure(ref byte[] buffer, int bytes, int kept = 0)
    {
        if (buffer.Length >= bytes)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(bytes);
        buffer.AsSpan(0, kept).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }

    private static InvalidDataException TooLarge() => new(FormattableString.Invariant($"it unpacks to more than {LargestBlock >> 20} MiB"));

    private sealed class Plain : AvroCodec
    {
        public override string Name => "null";

        public override int Unpack(ReadOnlySpan<byte> packed, ref byte[] buffer)
        {
            Ensure(ref buffer, packed.Length);
            packed.CopyTo(buffer);
            return packed.Length;
        }

        public override ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> block, ref byte[] buffer) => block;
    }

    /// <summary>Those that unpack as a stream: how large the block is shows at its end.</summary>
    private abstract class Streamed : AvroCodec
    {
        public override int Unpack(ReadOnlySpan<byte> packed, ref byte[] buffer)
        {
            var copy = ArrayPool<byte>.Shared.Rent(packed.Length);
            try
            {
                packed.CopyTo(copy);
                using var source = new MemoryStream(copy, 0, packed.Length, writable: false);
                using var stream = Reader(source);
                var length = 0;
                while (true)
                {
                    if (length == buffer.Length)
                    {
                        Ensure(ref buffer, length <= LargestBlock ? length * 2 : throw TooLarge(), length);
                    }

                    var read = stream.Read(buffer, length, buffer.Length - length);
                    if (read == 0)
                    {
                        return length <= LargestBlock ? length : throw TooLarge();
                    }

                    length += read;
                }
            }
            catch (Exception e) when (e is ZstdException or EndOfStreamException)
            {
                throw new InvalidDataException($"it is not packed by {Name}: {e.Message}", e);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(copy);
            }
        }

        public override ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> block, ref byte[] buffer)
        {
            Ensure(ref buffer, block.Length + (block.Length >> 3) + 1024);
            using var target = new MemoryStream(buffer);
            using (var stream = Writer(target))
            {
                stream.Write(block);
            }

            return buffer.AsSpan(0, (int)target.Position);
        }

        protected abstract Stream Reader(Stream source);

        protected abstract Stream Writer(Stream target);
    }

    /// <summary>RFC 1951, without head and checksum.</summary>
    private sealed class Deflate : Streamed
    {
        public override string Name => "deflate";

        protected override Stream Reader(Stream source) => new DeflateStream(source, CompressionMode.Decompress);

        protected override Stream Writer(Stream target) => new DeflateStream(target, CompressionLevel.Fastest, leaveOpen: true);
    }

    private sealed class Zstandard : Streamed
    {
        public override string Name => "zstandard";

        protected override Stream Reader(Stream source)
        {
            var stream = new DecompressionStream(source, leaveOpen: true);
            // Of the window, whatever the frame asks for.
            stream.SetParameter(ZstdSharp.Unsafe.ZSTD_dParameter.ZSTD_d_windowLogMax, 26);
            return stream;
        }

        protected override Stream Writer(Stream target) => new CompressionStream(target, leaveOpen: true);
    }

    /// <summary>A block of Snappy, and the CRC-32 of what it unpacks to.</summary>
    private sealed class SnappyCodec : AvroCodec
    {
        public override string Name => "snappy";

        public override int Unpack(ReadOnlySpan<byte> packed, ref byte[] buffer)
        {
            if (packed.Length < 4)
            {
                throw new InvalidDataException("it is cut off before its checksum");
            }

            var block = packed[..^4];
            var checksum = BinaryPrimitives.ReadUInt32BigEndian(packed[^4..]);
            var length = Snappy.GetUncompressedLength(block);
            Ensure(ref buffer, length is >= 0 and <= LargestBlock ? length : throw TooLarge());
            var written = Snappy.Decompress(block, buffer);
            return written == length && Crc32.HashToUInt32(buffer.AsSpan(0, length)) == checksum ? length : throw new InvalidDataException("its checksum is another");
        }

        public override ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> block, ref byte[] buffer)
        {
            Ensure(ref buffer, Snappy.GetMaxCompressedLength(block.Length) + 4);
            var length = Snappy.Compress(block, buffer);
            BinaryPrimitives.WriteUInt32BigEndian(buffer.AsSpan(length), Crc32.HashToUInt32(block));
            return buffer.AsSpan(0, length + 4);
        }
    }
}
