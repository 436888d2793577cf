using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>Segments on Linux: mmap, posix_fallocate, flock.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxPlatform : SegmentPlatform
{
    private const string LockTable = "/proc/locks";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private static readonly int s_reading = Libc.CloseOnExec | Libc.NoFollow | Libc.NonBlocking;

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

    public override SegmentFile Create(SegmentName name, long reserve, StoreBudget budget) => LinuxSegmentFile.Create(name, reserve, budget);

    public override bool HasSlabs => true;

    public override SlabFile CreateSlab(string building, string path, long bytes, StoreBudget budget) => LinuxSlabFile.Create(building, path, bytes, budget);

    public override bool DeleteFromSlab(string path, long position, out bool isSpent) => LinuxSlabFile.Delete(path, position, out isSpent);

    public override bool RemoveSpentSlab(string path) => LinuxSlabFile.RemoveSpent(path);

    public override MappedFile? Open(string path, bool hold = true) => LinuxMappedFile.Open(path, hold);

    public override SafeFileHandle OpenRead(string path)
    {
        var file = Libc.Open(path, s_reading, 0);
        return !file.IsInvalid ? file : throw Libc.Error("open", path);
    }

    public override bool IsHeld(string path)
    {
        using var file = Libc.Open(path, s_reading, 0);
        return !file.IsInvalid && Libc.Lock(file, Libc.LockExclusive | Libc.LockNonBlocking) != 0;
    }

    public override bool RemoveUnlessHeld(string path, string? guard = null)
    {
        using var file = Libc.Open(path, s_reading, 0);
        if (file.IsInvalid || Libc.Lock(file, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            return false; // gone meanwhile, or its writer or a reader lives
        }

        // Removed under the lock: a writer that had just created it waits for the lock, sees its name gone and begins anew. A reader
        // that had just opened it maps what has no name any more.
        if (!File.Exists(path) || File.Exists(guard))
        {
            return false;
        }

        File.Delete(path);
        return true;
    }

    public override SegmentFacts? Examine(string path) => Status(path) is { } status
        ? new SegmentFacts((status.Mode & Libc.FormatMask) == Libc.RegularFile, (long)status.Size,
            DateTimeOffset.UnixEpoch.AddSeconds(status.ModifiedSeconds).AddTicks(status.ModifiedNanoseconds / TimeSpan.NanosecondsPerTick), status.Inode)
        : null;

    public override ILookup<ulong, int>? Holders(string directory)
    {
        if (Status(directory) is not { } folder || !File.Exists(LockTable))
        {
            return null;
        }

        // "7: FLOCK  ADVISORY  READ 4711 00:1a:109050 0 EOF"; one that waits has an arrow behind its number. Processes of another PID
        // namespace are left out by the kernel.
        string device = string.Create(CultureInfo.InvariantCulture, $"{folder.DeviceMajor:x2}:{folder.DeviceMinor:x2}:");
        return File.ReadLines(LockTable).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(parts => parts is [_, "FLOCK", _, _, _, { } file, ..] && file.StartsWith(device, StringComparison.Ordinal))
            .Select(parts => (Inode: Number<ulong>(parts[5][device.Length..]), Process: Number<int>(parts[4])))
            .Where(static held => held.Process > 0).Distinct()
            .ToLookup(static held => held.Inode, static held => held.Process);
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
    private static T Number<T>(string text)
        where T : INumber<T> => T.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : T.Zero;

    private static FileStatus? Status(string path) =>
        Libc.Status(Libc.CurrentFolder, path, Libc.NoFollowLink, Libc.BasicStatus, out var status) == 0 ? status
        : Marshal.GetLastPInvokeError() == Libc.NotFound ? null : throw Libc.Error("statx", path);
}
