using System.Buffers.Binary;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Import;

/// <summary>Unfolds compressed buffers: 8 bytes of length before compression (-1: not compressed), then LZ4 frame or Zstandard.</summary>
/// <param name="budget">Bytes that may come out, all together: a small body can claim gigabytes.</param>
internal sealed class BodyDecompressor(long budget)
{
    private readonly long _budget = budget;
    private static readonly CompressionCodecFactory Factory = new();
    private readonly Dictionary<BodyCodec, ICompressionCodec> _codecs = [];
    private long _left = budget;

    public ReadOnlyMemory<byte> Unfold(BodyCodec codec, ReadOnlyMemory<byte> source, Arena arena)
    {
        if (source.Length < 8)
        {
            Malformed.Throw($"a compressed buffer has {source.Length} bytes, too few for its length");
        }

        long length = BinaryPrimitives.ReadInt64LittleEndian(source.Span);
        var content = source[8..];
        if (length == -1)
        {
            return content;
        }

        // LZ4 cannot shrink more than 255-fold; what claims more is refused before it is allocated.
        if (length < 0 || length >= int.MaxValue || (codec == BodyCodec.Lz4Frame && length > 255L * content.Length + 64))
        {
            Malformed.Throw($"a compressed buffer of {content.Length} bytes claims to hold {length}");
        }

        Charge(length);
        if (length == 0)
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        // One byte more than is claimed: it stays unwritten, and the codec has to find the end of what it unfolds.
        var target = arena.Allocate((int)length + 1);
        int written;
        try
        {
            written = Codec(codec).Decompress(content, target);
        }
        catch (Exception e) when (e is not (GristmillException or OutOfMemoryException))
        {
            throw Malformed.Because($"a compressed buffer cannot be unfolded: {e.Message}", e);
        }

        return written == length ? target[..written] : throw Malformed.Because($"a compressed buffer holds {(written > length ? "more" : written)} bytes, not the {length} it claims");
    }

    /// <summary>Takes bytes that came out off the budget.</summary>
    public void Charge(long bytes)
    {
        if ((_left -= bytes) < 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The Arrow data unfolds to more than the {_budget} bytes that are allowed.",
                "Send it in smaller pieces, or raise the limit.");
        }
    }

    private ICompressionCodec Codec(BodyCodec codec)
    {
        if (!_codecs.TryGetValue(codec, out var known))
        {
            known = Factory.CreateCodec(codec == BodyCodec.Zstd ? CompressionCodecType.Zstd : CompressionCodecType.Lz4Frame);
            _codecs.Add(codec, known);
        }

        return known;
    }
}
