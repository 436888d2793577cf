using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace Gristmill.Data.Interop;

/// <summary>
/// Decodes images by Skia, whose libjpeg-turbo and libpng browsers trust with files of strangers, and which TorchSharp brings anyway. Ports of stb_image go through pointers, and
/// its authors promise no safety with hostile files; of ImageSharp, flaws with such files are reported, and newer ones are not free.
/// </summary>
internal static unsafe class ImageDecoder
{
    /// <summary>Pixels of the largest image: 256 MiB as they are decoded.</summary>
    public const int LargestImage = 1 << 26;

    /// <summary>Decodes one.</summary>
    /// <param name="image">The file, whose size is known not to be too large.</param>
    /// <param name="size">What its head says.</param>
    /// <param name="options">How large it is to be.</param>
    /// <param name="memory">For the pixels on their way.</param>
    /// <param name="pixels">Where they go: height × width × channels.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static void Decode(ReadOnlySpan<byte> image, (int Width, int Height) size, ImageReadOptions options, BlockMemory memory, Span<byte> pixels)
    {
        fixed (byte* bytes = image)
        {
            using var data = SKData.Create((IntPtr)bytes, image.Length);
            using var codec = SKCodec.Create(data) ?? throw new InvalidDataException("it cannot be decoded");
            if ((codec.Info.Width, codec.Info.Height) != size)
            {
                throw new InvalidDataException("its head says two sizes");
            }

            var (width, height) = Shrunk(codec, options);
            var decoded = new SKImageInfo(width, height, SKColorType.Rgba8888, codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
            var full = memory.AllocateUninitialized(checked(width * height * 4));
            var result = codec.GetPixels(decoded, Address(full));
            if (result != SKCodecResult.Success)
            {
                throw new InvalidDataException($"it cannot be decoded to its end ({result})");
            }

            // Without regard to transparency, as it is passed over.
            using var source = new SKPixmap(decoded.WithAlphaType(SKAlphaType.Opaque), Address(full));
            if ((width, height) != (options.Width, options.Height))
            {
                full = memory.AllocateUninitialized(options.Width * options.Height * 4);
                using var target = new SKPixmap(new SKImageInfo(options.Width, options.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), Address(full));
                if (!source.ScalePixels(target, SKFilterQuality.Medium))
                {
                    throw new InvalidDataException("it cannot be resized");
                }
            }

            Pack(MemoryMarshal.Cast<byte, uint>(full.Span), pixels, options.Channels);
        }
    }

    private static IntPtr Address(Memory<byte> memory) => (IntPtr)Unsafe.AsPointer(ref MemoryMarshal.GetReference(memory.Span));

    /// <summary>The size to decode at.</summary>
    private static (int Width, int Height) Shrunk(SKCodec codec, ImageReadOptions options)
    {
        for (var eighths = 1; eighths < 8; eighths++)
        {
            var size = codec.GetScaledDimensions(eighths / 8f);
            if (size.Width >= options.Width && size.Height >= options.Height)
            {
                return (size.Width, size.Height);
            }
        }

        return (codec.Info.Width, codec.Info.Height);
    }

    private static void Pack(ReadOnlySpan<uint> from, Span<byte> to, int channels)
    {
        if (channels == 1)
        {
            for (var i = 0; i < from.Length; i++)
            {
                var pixel = from[i];
                to[i] = (byte)(((299 * (pixel & 0xFF)) + (587 * ((pixel >> 8) & 0xFF)) + (114 * ((pixel >> 16) & 0xFF)) + 500) / 1000);
            }

            return;
        }

        for (var i = 0; i < from.Length; i++)
        {
            var pixel = from[i];
            var at = to.Slice(3 * i, 3);
            (at[0], at[1], at[2]) = ((byte)pixel, (byte)(pixel >> 8), (byte)(pixel >> 16));
        }
    }
}
