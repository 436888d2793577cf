using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;

namespace Gristmill.Objects.Import;

/// <summary>Compressed bodies that lie about their length or cannot be unfolded.</summary>
internal static partial class HostileFiles
{
    private const int Lz4 = 0, Zstd = 1;

    private static IEnumerable<Hostile> Compression()
    {
        foreach (int codec in new[] { Lz4, Zstd })
        {
            string name = codec == Lz4 ? "LZ4" : "Zstandard";
            yield return Compressed($"{name} claims more than there is", "bytes, not the 8016 it claims", codec, 8016);
            yield return Compressed($"{name} claims less than there is", codec == Lz4 ? "holds more bytes" : "cannot be unfolded", codec, 7984);
            yield return Compressed($"{name} claims a negative length", "claims to hold -2", codec, -2);
            yield return Compressed($"{name} claims 2^31 bytes", "claims to hold 2147483648", codec, 1L << 31);
            yield return Compressed($"{name} claims 2^62 bytes", "claims to hold 4611686018427387904", codec, 1L << 62);
            yield return new($"{name} buffer of 7 bytes", () => Crafted.Stream(s_number, Squeezed(codec, 2).Node(2).Bytes().Bytes(1, 2, 3, 4, 5, 6, 7)), "too few for its length");
            yield return new($"{name} buffer of nothing but a length", () => Crafted.Stream(s_number, Squeezed(codec, 2).Node(2).Bytes().Longs(8)), "compressed buffer");
            yield return new($"{name} buffer of noise", () => Crafted.Stream(s_number, Squeezed(codec, 2).Node(2).Bytes().Longs(8, 0x0123456789abcdef, 42)), "cannot be unfolded");
            yield return new($"{name} buffer cut off", () => Crafted.Stream(s_number, Squeezed(codec, 2000).Node(2000).Bytes().Bytes([.. BitConverter.GetBytes(8000L), .. Squeeze(codec)[..^4]])), "compressed buffer");
        }

        // 255-fold is the most that LZ4 can do; Zstandard can do more, within what the caller allows.
        yield return Compressed("LZ4 claims more than any frame can hold", "claims to hold 2000000000", Lz4, 2_000_000_000);
        yield return Compressed("Zstandard claims more than is allowed", "unfolds to more than", Zstd, 2_000_000_000) with { Code = ErrorCodes.Invalid };
        yield return new("compression that is not known", () => Crafted.Stream(s_number, Squeezed(7, 2).Node(2).Bytes().Longs(8, 0)), "compression 7 is not known");
        yield return new("compression method that is not known", () => Crafted.Stream(s_number, new CraftedBatch { Rows = 2, Compression = (0, 1) }.Node(2).Bytes().Longs(8, 0)), "method is not known");
    }

    private static Hostile Compressed(string name, string says, int codec, long claim) => new(name,
        () => Crafted.Stream(s_number, Squeezed(codec, 2000).Node(2000).Bytes().Bytes([.. BitConverter.GetBytes(claim), .. Squeeze(codec)])), says);

    private static CraftedBatch Squeezed(int codec, long rows) => new() { Rows = rows, Compression = (codec, 0) };

    /// <summary>8,000 bytes of zeros.</summary>
    private static byte[] Squeeze(int codec)
    {
        using var stream = new MemoryStream();
        new CompressionCodecFactory().CreateCodec(codec == Lz4 ? CompressionCodecType.Lz4Frame : CompressionCodecType.Zstd).Compress(new byte[8000], stream);
        return stream.ToArray();
    }
}
