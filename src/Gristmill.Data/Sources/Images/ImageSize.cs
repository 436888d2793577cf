using System.Buffers.Binary;

namespace Gristmill.Data.Sources.Images;

/// <summary>Reads the size of an image out of its head, without decoding it.</summary>
internal static class ImageSize
{
    /// <exception cref="InvalidDataException">It is neither PNG nor JPEG, or is cut off before its size.</exception>
    public static (int Width, int Height) Of(ReadOnlySpan<byte> image)
    {
        var size = image.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]) ? Png(image)
            : image.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]) ? Jpeg(image)
            : throw new InvalidDataException("it is neither PNG nor JPEG");
        return size is { Width: > 0, Height: > 0 } ? size : throw new InvalidDataException(FormattableString.Invariant($"its size is {size.Width} by {size.Height}"));
    }

    // The first chunk is IHDR (RFC 2083, 4.1.1): length, name, width, height.
    private static (int Width, int Height) Png(ReadOnlySpan<byte> image) => image.Length >= 24 && image.Slice(12, 4).SequenceEqual("IHDR"u8)
        ? (BinaryPrimitives.ReadInt32BigEndian(image[16..]), BinaryPrimitives.ReadInt32BigEndian(image[20..]))
        : throw Cut();

    // Segments up to the frame's (ITU-T T.81, B.1 and B.2.2): marker, length, precision, height, width.
    private static (int Width, int Height) Jpeg(ReadOnlySpan<byte> image)
    {
        var at = 2;
        while (at + 4 <= image.Length)
        {
            if (image[at] != 0xFF)
            {
                throw new InvalidDataException("its segments are damaged");
            }

            var marker = image[at + 1];
            if (marker is 0xFF)
            {
                // Filling.
                at++;
            }
            else if (marker is 0x01 or (>= 0xD0 and <= 0xD7))
            {
                at += 2;
            }
            else if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return at + 9 <= image.Length ? (BinaryPrimitives.ReadUInt16BigEndian(image[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(image[(at + 5)..])) : throw Cut();
            }
            else if (marker is 0xD9 or 0xDA)
            {
                throw new InvalidDataException("its picture begins before its size");
            }
            else
            {
                at += 2 + BinaryPrimitives.ReadUInt16BigEndian(image[(at + 2)..]);
            }
        }

        throw Cut();
    }

    private static InvalidDataException Cut() => new("it is cut off before its size");
}
