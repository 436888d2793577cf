using System.Globalization;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>Segments on Linux: mmap, posix_fallocate, flock.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxPlatform : SegmentPlatform
{
    private const int Piece = 8 << 20;
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

    public override SegmentFile Create(SegmentName name, long reserve, long likely, StoreBudget budget) => LinuxSegmentFile.Create(name, reserve, likely, budget);

    public override bool HasSlabs => true;

    public override SlabFile? CreateSlab(string building, string path, long bytes, StoreBudget budget, TimeSpan patience) => LinuxSlabFile.Create(building, path, bytes, budget, patience);

    public override bool? DeleteFromSlab(string path, long position, out bool isSpent) => LinuxSlabFile.Delete(path, position, out isSpent);

    public override bool RemoveSpentSlab(string path) => LinuxSlabFile.RemoveSpent(path);

    public override MappedFile? Open(string path, bool hold = true) => LinuxMappedFile.Open(path, hold);

    public override SafeFileHandle OpenRead(string path)
    {
        var file = Libc.Open(path, s_reading, 0);
        return !file.IsInvalid ? file : throw Libc.Error("open", path);
    }

    public override void Send(Socket to, SafeFileHandle file, long position, int length)
    {
        for (long at = position; at < position + length;)
        {
            nint sent = Libc.SendFile(to.SafeHandle, file, ref at, (nint)(position + length - at));
            if (sent <= 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (sent < 0 && error == Libc.Interrupted)
                {
                    continue;
                }

                throw new IOException($"sendfile: {(sent == 0 ? "the file ends" : Marshal.GetPInvokeErrorMessage(error))} (errno {error})");
            }
        }
    }

    public override IDisposable? LockSlab(string path) => LinuxSlabFile.OpenLocked(path);

    public override unsafe IDisposable? Write(string path, byte* start, long length, bool readOnly)
    {
        var file = LinuxSegmentFile.OpenLocked(path);
        if (!Libc.TryReserve(file, path, 0, length))
        {
            File.Delete(path);
            file.Dispose();
            return null;
        }

        for (long at = 0; at < length; at += Piece)
        {
            RandomAccess.Write(file, new ReadOnlySpan<byte>(start + at, (int)Math.Min(Piece, length - at)), at);
        }

        return !readOnly || Libc.ChangeMode(file, 0b100_000_000) == 0 ? file : throw Libc.Error("fchmod", path);
    }

    public override IDisposable? LockFolder(string path, bool wait)
    {
        var file = Libc.Open(path, Libc.ReadWrite | Libc.Create | Libc.CloseOnExec | Libc.NoFollow, 0b110_000_000);
        if (!file.IsInvalid && Libc.TryLock(file, wait ? Libc.LockExclusive : Libc.LockExclusive | Libc.LockNonBlocking))
        {
            return file;
        }

        file.Dispose();
        return wait ? throw Libc.Error("flock", path) : null;
    }

    public override bool IsHeld(string path)
    {
        using var file = Libc.Open(path, s_reading, 0);
        return !file.IsInvalid && Libc.Lock(file, Libc.LockExclusive | Libc.LockNonBlocking) != 0;
    }

    public override bool RemoveUnlessHeld(string path, string? guard = null, Func<bool>? before = null, SegmentPool? pool = null)
    {
        using var file = Libc.Open(path, s_reading, 0);
        if (file.IsInvalid || Libc.Lock(file, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            return false; // gone meanwhile, or its writer or a reader lives
        }

        bool isSlab = path.EndsWith(ObjectStore.SlabSuffix, StringComparison.Ordinal);
        using var changes = isSlab ? LockSlab(path) : null;
        if (isSlab && changes is null)
        {
            return false; // somebody writes it, or deletes an object of it
        }

        // Removed under the lock: a writer that had just created it, or a reader that had just opened it, waits for the lock and sees its
        // name gone.
        if (!Libc.IsNamed(file, path) || File.Exists(guard) || before?.Invoke() is false)
        {
            return false;
        }

        return isSlab ? Libc.Unlink(path) == 0 : GiveUp(file, path, pool);
    }

    public override bool Discard(string path, SegmentPool? pool)
    {
        using var file = Libc.Open(path, s_reading, 0);
        if (file.IsInvalid)
        {
            return false;
        }

        // Who reads it keeps its memory; who has just taken it to write it again has given it another name.
        return Libc.Lock(file, Libc.LockExclusive | Libc.LockNonBlocking) == 0 ? Libc.IsNamed(file, path) && GiveUp(file, path, pool) : Libc.Unlink(path) == 0;
    }

    public override void LetGo(string directory) => KeptMapping.LetGo(directory);

    /// <summary>Keeps a locked file for the next writer, or removes it.</summary>
    private static bool GiveUp(SafeFileHandle file, string path, SegmentPool? pool)
    {
        if (pool?.PlaceFor(Libc.Seek(file, 0, Libc.SeekEnd)) is { } place && Libc.ChangeMode(file, 0b110_000_000) == 0 && Libc.SetTimes(file, null) == 0)
        {
            return Libc.Rename(path, place) == 0;
        }

        // Who wrote it may have it mapped still, to write it again, which must not keep the memory.
        if (Libc.ChangeMode(file, 0b110_000_000) == 0)
        {
            _ = Libc.Truncate(path, 0);
        }

        // File.Delete does not tell whether somebody gave it another name in between, to delete it.
        return Libc.Unlink(path) == 0;
    }

    public override SegmentFacts? Examine(string path) => Status(path) is { } status
        ? new SegmentFacts((status.Mode & Libc.FormatMask) == Libc.RegularFile, (long)status.Size,
            Time(status.ModifiedSeconds, status.ModifiedNanoseconds), Time(status.AccessedSeconds, status.AccessedNanoseconds), status.Inode)
        : null;

    public override ILookup<ulong, int>? Holders(string directory)
    {
        if (Status(directory) is not { } folder || !File.Exists(LockTable))
        {
            return null;
        }

        // "7: FLOCK  ADVISORY  READ 4711 00:1a:109050 0 EOF"; one that waits has an arrow behind its number. Processes of another PID
        // namespace are left out by the kernel. It gives them page by page, and passes some over where locks come and go in between: read twice, as hardly
        // one is passed over both times.
        string device = string.Create(CultureInfo.InvariantCulture, $"{folder.DeviceMajor:x2}:{folder.DeviceMinor:x2}:");
        return File.ReadLines(LockTable).Concat(File.ReadLines(LockTable)).Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
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

    private static DateTimeOffset Time(long seconds, uint nanoseconds) => DateTimeOffset.UnixEpoch.AddSeconds(seconds).AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);

    private static T Number<T>(string text)
        where T : INumber<T> => T.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : T.Zero;

    private static FileStatus? Status(string path) =>
        Libc.Status(Libc.CurrentFolder, path, Libc.NoFollowLink, Libc.BasicStatus, out var status) == 0 ? status
        : Marshal.GetLastPInvokeError() == Libc.NotFound ? null : throw Libc.Error("statx", path);
}
