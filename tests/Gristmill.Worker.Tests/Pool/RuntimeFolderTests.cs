using System.Globalization;

namespace Gristmill.Worker.Tests;

public sealed class RuntimeFolderTests : IDisposable
{
    private readonly string _root = Path.Combine(Directory.CreateTempSubdirectory("gm-rt-").FullName, "r");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_root)!, recursive: true);

    [Fact]
    public void It_is_the_owners_alone_and_goes_with_its_pool()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix modes");
        using (var folder = RuntimeFolder.Create(_root))
        {
            Assert.Equal("rwx------", Mode(folder.Path));
            Assert.Equal("rwx------", Mode(_root));
            Assert.True(folder.Socket.Length < 108);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    [Fact]
    public void What_dead_processes_left_is_swept_and_what_lives_stays()
    {
        using var mine = RuntimeFolder.Create(_root);
        var dead = Directory.CreateDirectory(Path.Combine(_root, "4194303-77-1")).FullName;
        File.WriteAllText(Path.Combine(dead, "s"), "");
        // This process's id, but started at another time: the id was used again.
        var reused = Directory.CreateDirectory(Path.Combine(_root, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-1-1"))).FullName;
        using var second = RuntimeFolder.Create(_root);
        Assert.False(Directory.Exists(dead));
        Assert.False(Directory.Exists(reused));
        Assert.True(Directory.Exists(mine.Path));
        Assert.NotEqual(mine.Path, second.Path);
    }

    [Fact]
    public void A_folder_open_to_others_is_refused()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Unix modes");
            return;
        }

        Directory.CreateDirectory(_root);
        File.SetUnixFileMode(_root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead);
        var error = Assert.Throws<GristmillException>(() => RuntimeFolder.Create(_root));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(_root, error.Message, StringComparison.Ordinal);
    }

    private static string Mode(string path) => OperatingSystem.IsWindows() ? "" : File.GetUnixFileMode(path) switch
    {
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute => "rwx------",
        var other => other.ToString(),
    };
}
