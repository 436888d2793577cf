using Gristmill.Data.Tests.Reading.Remote;

namespace Gristmill.Data.Tests.Reading;

public sealed class ImageTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_folder_is_read_as_labelled_images()
    {
        using var fixture = new FlowFixture();
        Directory.CreateDirectory(fixture.File("pets/cat"));
        Directory.CreateDirectory(fixture.File("pets/dog"));
        await WriteAsync(fixture, "pets/cat/1.png", Png(30, 20));
        await WriteAsync(fixture, "pets/cat/2.JPG", Jpeg(300, 200, filled: true));
        await WriteAsync(fixture, "pets/dog/1.jpeg", Jpeg(1, 65_535));
        await WriteAsync(fixture, "pets/dog/notes.md", "no image"u8.ToArray());

        var images = await fixture.Read("pets").As<Image>().ToListAsync(s_token);

        Assert.Equal([("cat", 30, 20), ("cat", 300, 200), ("dog", 1, 65_535)], images.Select(static image => (image.Label, image.Width, image.Height)));
        Assert.Equal([fixture.File("pets/cat/1.png"), fixture.File("pets/cat/2.JPG"), fixture.File("pets/dog/1.jpeg")], images.Select(static image => image.Path));
        Assert.All(images, static image => Assert.Equal(File.ReadAllBytes(image.Path), image.Bytes));
        Assert.Equal(2, await fixture.Read("pets/**/*.png").Sql("select * from input where width = 30").CountAsync(s_token) + await fixture.Read("pets/dog/*.jpeg").CountAsync(s_token));
    }

    [Fact]
    public async Task Images_of_servers_are_labelled_and_removed()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/cat/1.png"] = Png(3, 4);
        server.Files["/dog/1.jpg"] = Jpeg(5, 6);

        var images = await DataFlow.Read([server.Address("/cat/1.png?sig=hush"), server.Address("/dog/1.jpg")]).With(fixture.Options).As<Image>().ToListAsync(s_token);

        Assert.Equal([("cat", 3, 4, server.Address("/cat/1.png?...")), ("dog", 5, 6, server.Address("/dog/1.jpg"))], images.Select(static image => (image.Label, image.Width, image.Height, image.Path)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Folder));
    }

    [Fact]
    public async Task What_is_no_image_is_named_or_left_out()
    {
        using var fixture = new FlowFixture();
        await WriteAsync(fixture, "z.png", Png(3, 4));
        FlowProgress? last = null;
        foreach (var (bytes, reason) in new (byte[], string)[]
        {
            ([], "neither PNG nor JPEG"),
            ("GIF89a"u8.ToArray(), "neither PNG nor JPEG"),
            (Png(3, 4)[..20], "cut off before its size"),
            (Png(3, 0), "its size is 3 by 0"),
            (Png(-3, 1), "its size is -3 by 1"),
            (Jpeg(3, 4)[..8], "cut off before its size"),
            (Jpeg(3, 4)[..^4], "cut off before its size"),
            ([0xFF, 0xD8, 0, 1, 2, 3], "segments are damaged"),
            ([0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 0, 0], "picture begins before its size"),
        })
        {
            await WriteAsync(fixture, "a.png", bytes);
            var error = await FlowFixture.FailAsync(() => fixture.Read("*.png").CountAsync(s_token));
            Assert.Equal((ErrorCodes.FileFormat, fixture.File("a.png")), (error.Code, error.Error.Details["file"]));
            Assert.Contains(reason, error.Message);

            var flow = fixture.Read("*.png", new FileReadOptions { OnUnreadable = UnreadableFiles.Skip }).With(fixture.Options with { Progress = new Told(p => last = p) });
            Assert.Equal([4], await flow.Map((Image image) => image.Height).ToListAsync(s_token));
            Assert.Equal(fixture.File("a.png"), Assert.Single(last!.SkippedFiles).Path);
        }
    }

    [Fact]
    public async Task Blocks_have_bounded_bytes()
    {
        using var fixture = new FlowFixture();
        for (var i = 0; i < 40; i++)
        {
            await WriteAsync(fixture, $"{i:00}.png", [.. Png(i + 1, 1), .. new byte[1 << 20]]);
        }

        var (blocks, rows) = (0, 0);
        var result = await fixture.Read("*.png").ForEachBlockAsync(batch => (blocks, rows) = (blocks + 1, rows + batch.Length), s_token);

        Assert.Equal(40, rows);
        Assert.InRange(blocks, 8, 40);
        Assert.InRange(result.Progress.PeakMemory, 1, 32 << 20);
    }

    private static byte[] Png(int width, int height) =>
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, .. "IHDR"u8, .. Int(width), .. Int(height), 8, 2, 0, 0, 0];

    private static byte[] Jpeg(int width, int height, bool filled = false) =>
    [
        0xFF, 0xD8, 0xFF, 0xE0, 0, 6, 1, 0xFF, 0xC0, 4, .. filled ? new byte[] { 0xFF, 0xFF, 0xFF, 0xD0 } : [],
        0xFF, 0xC4, 0, 3, 9, 0xFF, 0xC2, 0, 8, 8, .. Int(height)[2..], .. Int(width)[2..], 3,
    ];

    private static byte[] Int(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    private static Task WriteAsync(FlowFixture fixture, string name, byte[] bytes) => File.WriteAllBytesAsync(fixture.File(name), bytes, s_token);

    private readonly record struct Image(string Path, string Label, int Width, int Height, byte[] Bytes);
}
