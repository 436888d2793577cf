using Microsoft.Win32.SafeHandles;

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

    public override SegmentFile Create(SegmentName name, long reserve, StoreBudget budget) => new PortableSegmentFile(name, reserve, budget);

    public override MappedFile? Open(string path, bool hold = true) => PortableMappedFile.Open(path);

    public override SafeFileHandle OpenRead(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    public override bool IsHeld(string path) => File.Exists(path) && !TryOpenAlone(path, FileOptions.None);

    public override bool RemoveUnlessHeld(string path, string? guard = null) => !File.Exists(guard) && TryOpenAlone(path, FileOptions.DeleteOnClose);

    public override SegmentFacts? Examine(string path) => new FileInfo(path) is { Exists: true } file
        ? new SegmentFacts(file.LinkTarget is null && (file.Attributes & (FileAttributes.Device | FileAttributes.Directory)) == 0, file.Length,
            new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero), 0)
        : null;

    public override ILookup<ulong, int>? Holders(string directory) => null;

    /// <summary>Writers share nothing and readers no writing: opening works only when both are gone.</summary>
    private static bool TryOpenAlone(string path, FileOptions options)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, options);
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
