using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Apache.Arrow.Types;
using SkiaSharp;

namespace Gristmill.Data.Tests.Reading;

public sealed class ImageDecodingTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pixels_of_a_png_are_those_that_were_put_in()
    {
        using var fixture = new FlowFixture();
        Directory.CreateDirectory(fixture.File("cat"));
        byte[] pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 200, 100, 50, 255, 255, 255];
        await File.WriteAllBytesAsync(fixture.File("cat/1.png"), Png(3, 2, 3, pixels), s_token);
        // Transparency is passed over.
        await File.WriteAllBytesAsync(fixture.File("cat/2.png"), Png(3, 2, 4, [.. pixels.Chunk(3).SelectMany(static (pixel, i) => new byte[] { pixel[0], pixel[1], pixel[2], (byte)(i == 3 ? 128 : 255) })]), s_token);

        var colour = Read(fixture, 3, 2);
        var field = (await colour.GetSchemaAsync(s_token)).GetFieldByName("pixels");
        var type = Assert.IsType<FixedSizeListType>(field.DataType);
        Assert.Equal((18, ArrowTypeId.UInt8, "2,3,3"), (type.ListSize, type.ValueDataType.TypeId, field.Metadata["shape"]));
        var images = await colour.As<Image>().ToListAsync(s_token);
        Assert.Equal([("cat", 3, 2), ("cat", 3, 2)], images.Select(static image => (image.Label, image.Width, image.Height)));
        Assert.All(images, image => Assert.Equal(pixels, image.Pixels));
        Assert.Equal([76, 150, 29, 18, 124, 255], (await Read(fixture, 3, 2, 1).As<Image>().ToListAsync(s_token))[0].Pixels);
        using var lease = fixture.Store.Get(await colour.ToObjectAsync(fixture.Store, s_token));
        Assert.Equal(2, lease.Batches.Sum(static batch => batch.Length));
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png, 7, 5)]
    [InlineData(SKEncodedImageFormat.Jpeg, 7, 5)]
    [InlineData(SKEncodedImageFormat.Jpeg, 64, 32)]
    [InlineData(SKEncodedImageFormat.Png, 300, 300)]
    public async Task Images_of_any_size_come_in_the_one_that_is_asked_for(SKEncodedImageFormat format, int width, int height)
    {
        using var fixture = new FlowFixture();
        // Left red, right blue; above dark, below bright.
        using var bitmap = new SKBitmap(256, 128);
        for (var x = 0; x < 256; x++)
        {
            for (var y = 0; y < 128; y++)
            {
                bitmap.SetPixel(x, y, new SKColor((byte)(x < 128 ? 100 + y : 0), 0, (byte)(x < 128 ? 0 : 100 + y)));
            }
        }

        await File.WriteAllBytesAsync(fixture.File(format == SKEncodedImageFormat.Png ? "a.png" : "a.jpg"), bitmap.Encode(format, 95).ToArray(), s_token);

        var image = Assert.Single(await Read(fixture, width, height).As<Image>().ToListAsync(s_token));

        Assert.Equal((256, 128, width * height * 3), (image.Width, image.Height, image.Pixels.Length));
        for (var y = 0; y < height; y++)
        {
            var bright = 100 + ((y + 0.5) * 128 / height) - 0.5;
            Assert.InRange(image.Pixels[((y * width) + 0) * 3], bright - 12, bright + 12);
            Assert.InRange(image.Pixels[(((y * width) + 0) * 3) + 2], 0, 20);
            Assert.InRange(image.Pixels[((y * width) + width - 1) * 3], 0, 20);
            Assert.InRange(image.Pixels[(((y * width) + width - 1) * 3) + 2], bright - 12, bright + 12);
        }
    }

    [Fact]
    public async Task Damaged_images_are_named_or_left_out()
    {
        using var fixture = new FlowFixture();
        await File.WriteAllBytesAsync(fixture.File("z.png"), Png(2, 1, 3, [1, 2, 3, 4, 5, 6]), s_token);
        using var noise = new SKBitmap(64, 64);
        for (var i = 0; i < 64 * 64; i++)
        {
            noise.SetPixel(i % 64, i / 64, new SKColor((uint)(i * 2_654_435_761) | 0xFF000000));
        }

        byte[] good = noise.Encode(SKEncodedImageFormat.Jpeg, 90).ToArray(), png = Png(64, 64, 3, new byte[64 * 64 * 3]);
        var bomb = Png(60_000, 60_000, 3, []);
        FlowProgress? last = null;
        foreach (var (bytes, reason) in new (byte[], string)[]
        {
            (good[..(good.Length / 2)], "cannot be decoded to its end"),
            (png[..^30], "cannot be decoded to its end"),
            (png[..40], "cannot be decoded"),
            (bomb, "its 60000 × 60000 pixels are more than 64 Mi"),
        })
        {
            await File.WriteAllBytesAsync(fixture.File("a.png"), bytes, s_token);
            var error = await FlowFixture.FailAsync(() => Read(fixture, 8, 8).CountAsync(s_token));
            Assert.Equal((ErrorCodes.FileFormat, fixture.File("a.png")), (error.Code, error.Error.Details["file"]));
            Assert.Contains(reason, error.Message);

            var flow = fixture.Read("*.png", new FileReadOptions { Images = new ImageReadOptions { Width = 2, Height = 1 }, OnUnreadable = UnreadableFiles.Skip })
                .With(fixture.Options with { Progress = new Told(p => last = p) });
            Assert.Equal([1, 2, 3, 4, 5, 6], Assert.Single(await flow.As<Image>().ToListAsync(s_token)).Pixels);
            Assert.Equal(fixture.File("a.png"), Assert.Single(last!.SkippedFiles).Path);
        }

        foreach (var (width, height, channels) in new[] { (0, 1, 3), (1, 4097, 3), (1, 1, 2) })
        {
            Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => Read(fixture, width, height, channels).CountAsync(s_token))).Code);
        }
    }

    [Fact]
    public async Task Mutants_are_pixels_or_errors()
    {
        using var fixture = new FlowFixture();
        using var bitmap = new SKBitmap(40, 30);
        bitmap.Erase(SKColors.Coral);
        byte[][] corpus = [bitmap.Encode(SKEncodedImageFormat.Jpeg, 90).ToArray(), bitmap.Encode(SKEncodedImageFormat.Png, 90).ToArray()];
        var failed = 0;
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            byte[] bytes = [.. corpus[seed % 2]];
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            await File.WriteAllBytesAsync(fixture.File("a.png"), random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes, s_token);
            try
            {
                Assert.Equal(1, await Read(fixture, 16, 16).CountAsync(s_token));
            }
            catch (GristmillException e)
            {
                Assert.True(e.Code == ErrorCodes.FileFormat, $"Seed {seed} fails with {e.Code}: {e.Message}");
                failed++;
            }
        }

        Assert.InRange(failed, 20, 299);
    }

    [Fact]
    public async Task Many_images_keep_their_order_in_bounded_memory()
    {
        using var fixture = new FlowFixture();
        using var bitmap = new SKBitmap(900, 700);
        for (var i = 0; i < 120; i++)
        {
            bitmap.Erase(new SKColor((byte)(2 * i), 0, 0));
            await File.WriteAllBytesAsync(fixture.File($"{i:000}.png"), bitmap.Encode(SKEncodedImageFormat.Png, 100).ToArray(), s_token);
        }

        var flow = Read(fixture, 224, 224);
        Assert.Equal(Enumerable.Range(0, 120).Select(static i => (byte)(2 * i)), await flow.Map((Image image) => image.Pixels[0]).ToListAsync(s_token));
        var result = await flow.ForEachBlockAsync(static _ => { }, s_token);
        Assert.Equal(120, result.Rows);
        Assert.InRange(result.Progress.PeakMemory, 1, 128 << 20);
    }

    private static DataFlow Read(FlowFixture fixture, int width, int height, int channels = 3) =>
        fixture.Read(fixture.Folder, new FileReadOptions { Images = new ImageReadOptions { Width = width, Height = height, Channels = channels } });

    /// <summary>A PNG without filters (RFC 2083).</summary>
    private static byte[] Png(int width, int height, int channels, byte[] pixels)
    {
        using var packed = new MemoryStream();
        using (var stream = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            foreach (var line in pixels.Chunk(width * channels))
            {
                stream.WriteByte(0);
                stream.Write(line);
            }
        }

        return
        [
            0x89, .. "PNG"u8, 0x0D, 0x0A, 0x1A, 0x0A, .. Chunk("IHDR", [.. Int((uint)width), .. Int((uint)height), 8, (byte)(channels == 4 ? 6 : 2), 0, 0, 0]),
            .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", []),
        ];

        static byte[] Chunk(string name, byte[] data)
        {
            byte[] named = [.. System.Text.Encoding.ASCII.GetBytes(name), .. data];
            return [.. Int((uint)data.Length), .. named, .. Int(Crc32.HashToUInt32(named))];
        }

        static byte[] Int(uint value)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
            return bytes;
        }
    }

    private readonly record struct Image(string Path, string Label, int Width, int Height, byte[] Pixels);
}
