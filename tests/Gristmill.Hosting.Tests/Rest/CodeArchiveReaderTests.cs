using System.IO.Compression;
using System.Text;

namespace Gristmill.Hosting;

/// <summary>Archives that somebody sends who means no good, or packs without thinking.</summary>
public sealed class CodeArchiveReaderTests : IDisposable
{
    private const long Plenty = 1L << 30;

    private readonly string _root = Directory.CreateTempSubdirectory("gristmill-zip-").FullName;

    private string Folder => Path.Combine(_root, "staged");

    public CodeArchiveReaderTests() => Directory.CreateDirectory(Folder);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Files_come_out_as_they_went_in()
    {
        await ExtractAsync(archive =>
        {
            Add(archive, "pipeline.dll", "code");
            archive.CreateEntry("runtimes/");
            Add(archive, "runtimes/linux-x64/native/lib.so", "native");
        });

        Assert.Equal("code", await File.ReadAllTextAsync(Path.Combine(Folder, "pipeline.dll"), TestContext.Current.CancellationToken));
        Assert.Equal("native", await File.ReadAllTextAsync(Path.Combine(Folder, "runtimes/linux-x64/native/lib.so"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("../escaped.dll")]
    [InlineData("a/../../escaped.dll")]
    [InlineData("/tmp/gristmill-escaped.dll")]
    [InlineData("./a.dll")]
    [InlineData("a//b.dll")]
    [InlineData("a\\..\\b.dll")]
    [InlineData("C:/b.dll")]
    [InlineData("nul\0.dll")]
    [InlineData("line\nbreak.dll")]
    [InlineData("..")]
    public async Task Paths_that_lead_elsewhere_are_refused(string name)
    {
        var thrown = await RefusedAsync(archive => Add(archive, name, "x"));

        Assert.Equal(ErrorCodes.Invalid, thrown.Code);
        Assert.Equal([Folder, Path.Combine(_root, "upload.zip")], Directory.GetFileSystemEntries(_root).Order());
        Assert.False(File.Exists("/tmp/gristmill-escaped.dll"));
    }

    [Theory]
    [InlineData(0xA1FF)] // a symbolic link
    [InlineData(0x61FF)] // a block device
    [InlineData(0x11FF)] // a pipe
    public async Task Links_and_devices_are_refused(int mode)
    {
        var thrown = await RefusedAsync(archive => Add(archive, "link.dll", "/etc/passwd").ExternalAttributes = mode << 16);

        Assert.Contains("link", thrown.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    [Theory]
    [InlineData("a.dll", "a.dll")]
    [InlineData("a.dll", "A.dll")]
    [InlineData("a", "a/b.dll")]
    [InlineData("a/b.dll", "a")]
    [InlineData("a/", "a")]
    public async Task What_is_there_twice_is_refused(string first, string second) => Assert.Equal(ErrorCodes.Invalid, (await RefusedAsync(archive =>
    {
        Add(archive, first, first.EndsWith('/') ? "" : "x");
        Add(archive, second, "y");
    })).Code);

    [Fact]
    public async Task A_bomb_is_given_up_long_before_it_is_unpacked()
    {
        // 256 MiB of zeros in 256 KiB.
        var thrown = await RefusedAsync(archive =>
        {
            using var entry = archive.CreateEntry("bomb.dll", CompressionLevel.SmallestSize).Open();
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 256; i++)
            {
                entry.Write(zeros);
            }
        });

        Assert.Equal(ErrorCodes.TooLarge, thrown.Code);
        Assert.InRange(new FileInfo(Path.Combine(Folder, "bomb.dll")).Length, 0, 64 << 20);
    }

    [Fact]
    public async Task All_files_together_may_not_exceed_the_limit()
    {
        var random = new byte[600_000];
        Random.Shared.NextBytes(random);
        var path = Pack(archive =>
        {
            foreach (var name in new[] { "a.dll", "b.dll" })
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(random);
            }
        });

        Assert.Equal(ErrorCodes.TooLarge, (await Assert.ThrowsAsync<GristmillException>(() => CodeArchiveReader.ExtractAsync(path, Folder, 1_000_000, TestContext.Current.CancellationToken))).Code);
    }

    [Theory]
    [InlineData(CodeArchiveReader.MaxFiles + 1)]
    [InlineData(70_000)]
    public async Task Too_many_files_are_refused(int files) => Assert.Contains("files", (await RefusedAsync(archive =>
    {
        for (var i = 0; i < files; i++)
        {
            archive.CreateEntry($"{i}.dll", CompressionLevel.NoCompression);
        }
    })).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_directory_that_lies_about_its_length_is_refused_unread()
    {
        var path = Pack(archive =>
        {
            for (var i = 0; i < 60_000; i++)
            {
                archive.CreateEntry($"{i:d60}.dll", CompressionLevel.NoCompression);
            }
        });
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        var end = bytes.AsSpan().LastIndexOf("PK\u0005\u0006"u8);
        (bytes[end + 8], bytes[end + 9], bytes[end + 10], bytes[end + 11]) = (1, 0, 1, 0);
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);

        var thrown = await Assert.ThrowsAsync<GristmillException>(() => CodeArchiveReader.ExtractAsync(path, Folder, Plenty, TestContext.Current.CancellationToken));

        Assert.Contains("directory", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_archive_is_refused()
    {
        foreach (var body in new byte[][] { [], [1, 2, 3], Encoding.ASCII.GetBytes("PK\u0005\u0006"), new byte[100_000] })
        {
            var path = Path.Combine(_root, "none.zip");
            await File.WriteAllBytesAsync(path, body, TestContext.Current.CancellationToken);

            Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => CodeArchiveReader.ExtractAsync(path, Folder, Plenty, TestContext.Current.CancellationToken))).Code);
        }
    }

    [Fact]
    public async Task Any_flipped_byte_is_refused_or_harmless()
    {
        var path = Pack(archive =>
        {
            Add(archive, "pipeline.dll", new string('x', 300));
            Add(archive, "deep/lib.dll", "library");
        });
        var whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        for (var at = 0; at < whole.Length; at++)
        {
            var broken = (byte[])whole.Clone();
            broken[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(path, broken, TestContext.Current.CancellationToken);
            var folder = Path.Combine(Folder, $"{at}");
            Directory.CreateDirectory(folder);
            try
            {
                await CodeArchiveReader.ExtractAsync(path, folder, Plenty, TestContext.Current.CancellationToken);
            }
            catch (GristmillException)
            {
                // Refused.
            }

            Assert.DoesNotContain(Directory.GetFileSystemEntries(_root), entry => entry != Folder && !entry.EndsWith(".zip", StringComparison.Ordinal));
        }
    }

    private static ZipArchiveEntry Add(ZipArchive archive, string name, string text)
    {
        var entry = archive.CreateEntry(name);
        if (text.Length > 0)
        {
            using var content = new StreamWriter(entry.Open());
            content.Write(text);
        }

        return entry;
    }

    private string Pack(Action<ZipArchive> fill)
    {
        var path = Path.Combine(_root, "upload.zip");
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        fill(archive);
        return path;
    }

    private Task ExtractAsync(Action<ZipArchive> fill) => CodeArchiveReader.ExtractAsync(Pack(fill), Folder, Plenty, TestContext.Current.CancellationToken);

    private Task<GristmillException> RefusedAsync(Action<ZipArchive> fill) => Assert.ThrowsAsync<GristmillException>(() => ExtractAsync(fill));
}
