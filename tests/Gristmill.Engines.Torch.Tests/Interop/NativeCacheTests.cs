namespace Gristmill.Engines.Torch.Interop;

public sealed class NativeCacheTests
{
    [Fact]
    public async Task Racing_writers_leave_one_whole_file_and_no_drafts()
    {
        using var temp = new TempStore();
        var folder = temp.File("cache");
        var content = new byte[1 << 20];
        Random.Shared.NextBytes(content);

        var paths = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => NativeCache.Put(folder, "lib.so", content))));

        var path = Assert.Single(paths.Distinct());
        Assert.Equal(content, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void A_damaged_file_is_replaced()
    {
        using var temp = new TempStore();
        var path = NativeCache.Put(temp.File("cache"), "lib.so", "content"u8);
        File.WriteAllText(path, "damaged");
        Assert.Equal(path, NativeCache.Put(temp.File("cache"), "lib.so", "content"u8));
        Assert.Equal("content", File.ReadAllText(path));
    }

    [Fact]
    public void The_folder_is_the_users_alone()
    {
        using var temp = new TempStore();
        var path = NativeCache.Put(temp.File("cache"), "lib.so", "content"u8);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(path)!));
        }
    }
}
