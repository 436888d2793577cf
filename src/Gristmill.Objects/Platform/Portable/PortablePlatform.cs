namespace Gristmill.Objects.Platform.Portable;

/// <summary>Segments as plain mapped files, for Windows and macOS. Compiled and tried on Linux only.</summary>
internal sealed class PortablePlatform : SegmentPlatform
{
    public override string? SharedMemoryRoot => null;

    public override void CreatePrivateDirectory(string path)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
            }
            else
            {
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The object store's folder {path} cannot be used: {e.Message}",
                "Name another folder.", e);
        }
    }

    public override SegmentFile Create(string path, long reserve, StoreBudget budget) => new PortableSegmentFile(path, reserve, budget);

    public override MappedFile? Open(string path) => PortableMappedFile.Open(path);

    public override bool RemoveIfAbandoned(string path)
    {
        try
        {
            // The writer's handle shares nothing: opening works only when it is gone.
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public override void Flush(string path)
    {
        if (Directory.Exists(path))
        {
            return; // no way to flush a folder here
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        file.Flush(flushToDisk: true);
    }
}
