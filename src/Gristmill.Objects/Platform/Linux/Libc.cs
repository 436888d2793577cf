using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>The system calls of Linux that .NET has no class for. Numbers are those of x86-64 and arm64.</summary>
internal static unsafe partial class Libc
{
    public const int ReadWrite = 2, Create = 0x40, Exclusive = 0x80, NonBlocking = 0x800, CloseOnExec = 0x80000;
    public static readonly int NoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;
    public const int ProtRead = 1, ProtWrite = 2, MapShared = 1, MapNoReserve = 0x4000;
    public const int LockShared = 1, LockExclusive = 2, LockNonBlocking = 4, Unlock = 8;
    public const int MadvPopulateRead = 22, MadvPopulateWrite = 23;
    public const int SeekEnd = 2;
    /// <summary>For futimens: last accessed now, last written as it is.</summary>
    public static readonly long[] AccessedNow = [0, (1L << 30) - 1, 0, (1L << 30) - 2];

    public const int KeepSize = 1, PunchHole = 2;
    public const int SetOpenFileLock = 37, WaitForOpenFileLock = 38;
    public const int CurrentFolder = -100, NoFollowLink = 0x100, EmptyPath = 0x1000, BasicStatus = 0x7ff;
    public const int FormatMask = 0xF000, RegularFile = 0x8000;
    public const int WriteAndSearch = 3;
    public const int NotFound = 2, Interrupted = 4, Loop = 40, NoSpace = 28, Quota = 122, TooBig = 27, NoMemory = 12;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string path, string name);

    [LibraryImport("libc", EntryPoint = "truncate", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Truncate(string path, long length);

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(nint address, nint length, int advice);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    public static partial int Reserve(SafeFileHandle file, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    public static partial int SetTimes(SafeFileHandle file, long[]? times);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(SafeFileHandle file, int command, ref FileRange range);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Status(int folder, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle file, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    public static partial nint SendFile(SafeSocketHandle socket, SafeFileHandle file, ref long offset, nint count);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(SafeFileHandle file, int mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(SafeFileHandle file);

    /// <summary>What an open file is.</summary>
    public static bool TryGetStatus(SafeFileHandle file, out FileStatus status) => Status((int)file.DangerousGetHandle(), "", EmptyPath, BasicStatus, out status) == 0;

    /// <summary>Whether an open file is the one of this name still: another may have got it since.</summary>
    public static bool IsNamed(SafeFileHandle file, string path) =>
        TryGetStatus(file, out var opened)
        && Status(CurrentFolder, path, NoFollowLink, BasicStatus, out var named) == 0
        && (opened.Inode, opened.DeviceMajor, opened.DeviceMinor) == (named.Inode, named.DeviceMajor, named.DeviceMinor);

    /// <summary>Reserves room in a file, so that no store to it can fail; false, and the file as it was, if there is none.</summary>
    public static bool TryReserve(SafeFileHandle file, string path, long offset, long length)
    {
        int error;
        do
        {
            error = Reserve(file, offset, length);
        }
        while (error == Interrupted);
        if (error is NoSpace or Quota or TooBig)
        {
            _ = Truncate(file, offset); // what was reserved of it goes back
            return false;
        }

        return error == 0 ? true : throw new IOException($"posix_fallocate of {path}: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})");
    }

    /// <summary>Locks one byte of an open file for itself alone, however often a signal interrupts the wait.</summary>
    public static bool TryLock(SafeFileHandle file, long at, bool wait)
    {
        var range = new FileRange { Type = FileRange.Write, Start = at, Length = 1 };
        while (Control(file, wait ? WaitForOpenFileLock : SetOpenFileLock, ref range) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Takes a lock of flock, however often a signal interrupts the wait.</summary>
    public static bool TryLock(SafeFileHandle file, int operation)
    {
        while (Lock(file, operation) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                return false;
            }
        }

        return true;
    }

    public static IOException Error(string call, string path) =>
        new($"{call} of {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())} (errno {Marshal.GetLastPInvokeError()})");
}
