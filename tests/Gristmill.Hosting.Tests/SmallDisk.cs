using System.Diagnostics;

namespace Gristmill.Hosting;

/// <summary>A file system of 8 MiB of its own, to be filled up; mounting one takes root, and tests are skipped where that is refused.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _ballast;

    private SmallDisk(string folder)
    {
        Folder = folder;
        _ballast = Path.Combine(folder, "ballast");
    }

    public string Folder { get; }

    public static SmallDisk Mount()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A small file system is mounted on Linux only.");
        var folder = Directory.CreateTempSubdirectory("gristmill-disk-").FullName;
        var (code, error) = Run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder);
        if (code != 0)
        {
            Directory.Delete(folder);
            Assert.Skip($"A small file system cannot be mounted here: {error.Trim()}");
        }

        return new SmallDisk(folder);
    }

    /// <summary>Takes up all space but so much of it.</summary>
    public void Fill(long leave)
    {
        using var file = File.Create(_ballast);
        var block = new byte[4096];
        while (new DriveInfo(Folder).AvailableFreeSpace > leave)
        {
            file.Write(block);
            file.Flush();
        }
    }

    /// <summary>Gives the space back.</summary>
    public void Free() => File.Delete(_ballast);

    public void Dispose()
    {
        // Lazily: a worker that is just ending may still have a log open.
        Run("umount", "--lazy", Folder);
        Directory.Delete(Folder);
    }

    private static (int Code, string Error) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}
