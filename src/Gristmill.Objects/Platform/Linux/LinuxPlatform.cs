using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>Segments on Linux: mmap, posix_fallocate, flock.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxPlatform : SegmentPlatform
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public override string? SharedMemoryRoot => Libc.Access("/dev/shm", Libc.WriteAndSearch) == 0 ? "/dev/shm" : null;

    public override void CreatePrivateDirectory(string path)
    {
        try
        {
            var directory = Directory.CreateDirectory(path, Private);
            if (directory.LinkTarget is not null)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The object store {path} is a symbolic link.",
                    "Name the folder itself.");
            }

            // /dev/shm is open to all: only the owner of a folder may set its mode, so this also refuses one planted there.
            File.SetUnixFileMode(path, Private);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The object store's folder {path} cannot be used: {e.Message}",
                "Remove it if another user made it, or name another folder.", e);
        }
    }

    public override SegmentFile Create(string path, long reserve, StoreBudget budget) => LinuxSegmentFile.Create(path, reserve, budget);

    public override MappedFile? Open(string path) => LinuxMappedFile.Open(path);

    public override bool RemoveIfAbandoned(string path)
    {
        using var file = Libc.Open(path, Libc.ReadWrite | Libc.CloseOnExec | Libc.NoFollow, 0);
        if (file.IsInvalid || Libc.Lock(file, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            return false; // gone meanwhile, or its writer lives
        }

        // Removed under the lock: a writer that had just created it waits for the lock, sees its name gone and begins anew.
        bool there = File.Exists(path);
        File.Delete(path);
        return there;
    }

    public override void Flush(string path)
    {
        using var file = Libc.Open(path, Libc.CloseOnExec, 0);
        if (file.IsInvalid || Libc.Sync(file) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error is Libc.NoSpace or Libc.Quota)
            {
                throw new GristmillException(ErrorCodes.StoreFull, $"The disk that holds {path} is full.", "Free space on it.");
            }

            throw Libc.Error("fsync", path);
        }
    }
}
