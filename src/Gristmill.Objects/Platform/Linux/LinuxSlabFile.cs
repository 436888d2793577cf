using System.Runtime.InteropServices;
using Gristmill.Objects.Slabs;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>
/// A slab mapped for writing by mmap. Whoever fills it holds a lock on its first byte (fcntl, of the open file as those of flock are), beside which readers
/// hold theirs on the whole file: so who writes it does not count as one who reads objects in it. The kernel drops both when their process ends.
/// </summary>
internal sealed unsafe class LinuxSlabFile : SlabFile
{
    private const long Page = 4096;
    private const long WritersLock = 0, DeletersLock = 1; // bytes of the file
    private readonly SafeFileHandle _file;

    private LinuxSlabFile(SafeFileHandle file, nint address, long length)
    {
        _file = file;
        Pointer = (byte*)address;
        Length = length;
    }

    /// <summary>Makes an empty slab, which others see when it is whole; null if there is no room.</summary>
    public static LinuxSlabFile? Create(string building, string path, long bytes, StoreBudget budget, TimeSpan patience)
    {
        bytes = (bytes + Page - 1) / Page * Page;
        var file = LinuxSegmentFile.OpenLocked(building);
        LinuxSlabFile? slab = null;
        try
        {
            if (!TryReserve() && !budget.MakeRoom(bytes, patience, TryReserve))
            {
                File.Delete(building);
                file.Dispose();
                return null;
            }

            slab = Map(file, bytes, building);
            _ = Libc.Advise((nint)slab.Pointer, (nint)bytes, Libc.MadvPopulateWrite);
            new SlabLayout(slab.Pointer, bytes).Format();
            if (!TryLockWriter(file))
            {
                throw Libc.Error("fcntl", building);
            }

            File.Move(building, path, overwrite: false);
            _ = Libc.Lock(file, Libc.Unlock);
            return slab;
        }
        catch
        {
            File.Delete(building);
            slab?.Dispose();
            file.Dispose();
            throw;
        }

        bool TryReserve() => budget.TryTake(bytes) && Libc.TryReserve(file, building, 0, bytes);
    }

    /// <summary>
    /// Takes an object away by plain reads and writes: to map and unmap the slab for it would stop all threads of the process, a hundred times slower. A lock keeps
    /// others from deleting meanwhile.
    /// </summary>
    public static bool? Delete(string path, long position, out bool isSpent)
    {
        isSpent = false;
        using var file = Libc.Open(path, Libc.ReadWrite | Libc.CloseOnExec | Libc.NoFollow | Libc.NonBlocking, 0);
        if (file.IsInvalid || !Libc.TryLock(file, DeletersLock, wait: true) || !Libc.IsNamed(file, path))
        {
            return null; // gone, or spilled, or brought back, by those who held the lock
        }

        Span<byte> header = stackalloc byte[SlabLayout.Header], entry = stackalloc byte[SlabLayout.Header];
        if (RandomAccess.Read(file, header, 0) != header.Length || RandomAccess.Read(file, entry, position) != entry.Length || !SlabLayout.TryDelete(header, entry, out isSpent))
        {
            return false;
        }

        RandomAccess.Write(file, entry[..SlabLayout.StateBytes], position);
        RandomAccess.Write(file, header.Slice(SlabLayout.DeletedAt, SlabLayout.StateBytes), SlabLayout.DeletedAt);
        return true;
    }

    /// <summary>Opens a slab that nobody fills and of which nobody can delete meanwhile; null where that cannot be had at once.</summary>
    public static SafeFileHandle? OpenLocked(string path)
    {
        var file = Libc.Open(path, Libc.ReadWrite | Libc.CloseOnExec | Libc.NoFollow | Libc.NonBlocking, 0);
        if (!file.IsInvalid && Libc.TryLock(file, WritersLock, wait: false) && Libc.TryLock(file, DeletersLock, wait: false) && Libc.IsNamed(file, path))
        {
            return file;
        }

        file.Dispose();
        return null;
    }

    private static LinuxSlabFile? Open(string path)
    {
        var file = Libc.Open(path, Libc.ReadWrite | Libc.CloseOnExec | Libc.NoFollow | Libc.NonBlocking, 0);
        try
        {
            if (file.IsInvalid)
            {
                return Marshal.GetLastPInvokeError() is Libc.NotFound or Libc.Loop ? null : throw Libc.Error("open", path);
            }

            long length = Libc.Seek(file, 0, Libc.SeekEnd);
            var slab = length > 0 ? Map(file, length, path) : null;
            file = slab is null ? file : null;
            return slab;
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Removes a slab that nobody writes or reads and that has no object left; of one that has some, gives back what it does not use.</summary>
    public static bool RemoveSpent(string path)
    {
        using var slab = Open(path);
        if (slab is null || Libc.Lock(slab._file, Libc.LockExclusive | Libc.LockNonBlocking) != 0 || !TryLockWriter(slab._file) || !Libc.IsNamed(slab._file, path))
        {
            return false;
        }

        var layout = new SlabLayout(slab.Pointer, slab.Length);
        if (!layout.IsSlab)
        {
            return false; // somebody else's file
        }

        if (layout.HasObjects())
        {
            layout.Close();
            slab.Trim(layout.End());
            return false;
        }

        File.Delete(path);
        return true;
    }

    public override void Trim(long position)
    {
        long from = (position + Page - 1) / Page * Page;
        if (from < Length)
        {
            _ = Libc.Allocate(_file, Libc.KeepSize | Libc.PunchHole, from, Length - from); // where that is not possible, it stays
        }
    }

    protected override void Release()
    {
        _ = Libc.Unmap((nint)Pointer, (nint)Length);
        _file.Dispose();
    }

    private static LinuxSlabFile Map(SafeFileHandle file, long length, string path)
    {
        nint address = Libc.Map(0, (nint)length, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared, file, 0);
        return address == -1 ? throw Libc.Error("mmap", path) : new LinuxSlabFile(file, address, length);
    }

    private static bool TryLockWriter(SafeFileHandle file) => Libc.TryLock(file, WritersLock, wait: false);
}
