using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Portable;

/// <summary>Segments as plain mapped files, for Windows and macOS. Compiled and tried on Linux only.</summary>
internal sealed class PortablePlatform : SegmentPlatform
{
    private const int Piece = 8 << 20;

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

    public override SegmentFile Create(SegmentName name, long reserve, long likely, StoreBudget budget) => new PortableSegmentFile(name, reserve, budget);

    public override MappedFile? Open(string path, bool hold = true) => PortableMappedFile.Open(path);

    public override SafeFileHandle OpenRead(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    public override bool IsHeld(string path) => File.Exists(path) && !TryOpenAlone(path, FileOptions.None);

    public override bool RemoveUnlessHeld(string path, string? guard = null, Func<bool>? before = null, SegmentPool? pool = null) =>
        !File.Exists(guard) && before?.Invoke() is not false && TryOpenAlone(path, FileOptions.DeleteOnClose);

    public override bool Discard(string path, SegmentPool? pool)
    {
        File.Delete(path);
        return true;
    }

    public override unsafe IDisposable? Write(string path, byte* start, long length, bool readOnly)
    {
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, 0);
        try
        {
            for (long at = 0; at < length; at += Piece)
            {
                file.Write(new ReadOnlySpan<byte>(start + at, (int)Math.Min(Piece, length - at)));
            }

            return file;
        }
        catch (IOException)
        {
            file.Dispose();
            File.Delete(path);
            return null;
        }
    }

    public override IDisposable? LockFolder(string path, bool wait)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (wait)
            {
                Thread.Sleep(10);
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    public override SegmentFacts? Examine(string path) => new FileInfo(path) is { Exists: true } file
        ? new SegmentFacts(file.LinkTarget is null && (file.Attributes & (FileAttributes.Device | FileAttributes.Directory)) == 0, file.Length,
            new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero), new DateTimeOffset(file.LastAccessTimeUtc, TimeSpan.Zero), 0)
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
