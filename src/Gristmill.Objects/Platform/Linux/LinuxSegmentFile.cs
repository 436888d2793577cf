using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>
/// A segment being written on Linux. The whole range it may ever take is mapped once, so addresses never move; the file
/// behind it grows by posix_fallocate, which fails with an error code where a store to an unreserved page would be SIGBUS.
/// Fresh pages cost as much as what is written to them: of a large segment the next step is made ready while this one is filled,
/// what is copied in as a whole goes through a call of the system, which needs no mapped pages, and files are written again.
/// </summary>
internal sealed unsafe class LinuxSegmentFile : SegmentFile
{
    private const long Page = 4096;
    private const long FirstStep = 64 << 10;
    private const long LargestStep = 64 << 20;
    private const long AheadFrom = 8 << 20;
    private const long AheadStep = 16 << 20;
    private const long LargestRange = 1L << 40;

    private readonly SegmentName _name;
    private readonly SafeFileHandle _file;
    private readonly StoreBudget _budget;
    private readonly nint _address;
    private readonly long _range;

    /// <summary>Pages that were written through this mapping before, so that nothing is as fast.</summary>
    private readonly long _warm;
    private long _reserved;
    private long _populated;
    private Task<(long Reserved, long Populated)>? _ahead;
    private int _pins;
    private bool _published;

    private LinuxSegmentFile(SegmentName name, SafeFileHandle file, StoreBudget budget, nint address, long range, long there, long populated)
    {
        _name = name;
        _file = file;
        _budget = budget;
        _address = address;
        _range = range;
        _reserved = there / Page * Page;
        Dirty = (there + Page - 1) / Page * Page;
        _warm = _populated = Math.Min(populated, _reserved);
    }

    public override long Reserved => _reserved;

    public override long Dirty { get; }

    public static LinuxSegmentFile Create(SegmentName name, long reserve, long likely, StoreBudget budget)
    {
        string path = name.Building;
        var file = Claim(path, Math.Max(reserve, likely), budget.Pool) ?? OpenLocked(path);
        try
        {
            var segment = Map(name, file, reserve, budget);
            try
            {
                segment.Grow(reserve, exactly: true);
                return segment;
            }
            catch
            {
                segment.Dispose();
                throw;
            }
        }
        catch
        {
            File.Delete(path);
            file.Dispose();
            throw;
        }
    }

    public override long Place(long position, long bytes)
    {
        if (position + bytes > _reserved)
        {
            Grow(position + bytes, exactly: false);
        }

        return position;
    }

    public override void Populate(long position, long bytes)
    {
        long end = Math.Min((position + bytes + Page - 1) / Page * Page, _reserved);
        if (end <= _populated)
        {
            return;
        }

        Join();
        if (end > _populated)
        {
            // One call maps the pages; faulting them in one at a time is several times slower. Needs Linux 5.14, else faults it is.
            long from = Math.Max(_populated, position / Page * Page);
            _ = Libc.Advise(_address + (nint)from, (nint)(end - from), Libc.MadvPopulateWrite);
            _populated = end;
        }

        if (_populated >= AheadFrom && _populated + AheadStep <= _range)
        {
            var (reserved, populated) = (_reserved, _populated);
            _ahead = Task.Run(() => PopulateAhead(reserved, populated));
        }
    }

    public override void Write(long position, ReadOnlySpan<byte> bytes)
    {
        if (position + bytes.Length <= _warm)
        {
            base.Write(position, bytes);
        }
        else
        {
            RandomAccess.Write(_file, bytes, position);
        }
    }

    public override byte* At(long position) => (byte*)_address + position;

    public override long RunFrom(long position) => _reserved - position;

    public override long Locate(byte* memory, long bytes)
    {
        long position = (nint)memory - _address;
        return position >= 0 && position + bytes <= _reserved ? position : -1;
    }

    public override void CountPin(int by) => Interlocked.Add(ref _pins, by);

    public override string Publish(long length)
    {
        Join();
        if (Libc.Truncate(_file, length) != 0 || Libc.ChangeMode(_file, 0b100_000_000) != 0)
        {
            throw Libc.Error("ftruncate", _name.Building);
        }

        _reserved = length;
        _populated = Math.Min(_populated, length);
        File.Move(_name.Building, _name.Sealed, overwrite: false);
        _published = true;

        // The mapping, too, keeps the lock, and .NET's file classes refuse to open what is locked.
        _ = Libc.Lock(_file, Libc.Unlock);
        Dispose();
        return _name.Id;
    }

    protected override void Release()
    {
        Join();
        if (_published && _budget.Pool.Takes(_reserved) && Volatile.Read(ref _pins) == 0)
        {
            new KeptMapping(_name.Sealed, _file, _address, _range, _populated).Keep();
            return;
        }

        _ = Libc.Unmap(_address, (nint)_range);
        if (!_published)
        {
            Remove(_name.Building);
        }

        _file.Dispose(); // gives the lock back
    }

    /// <summary>Takes a file of a deleted object, locked and under a name of its own; null if there is none that suits.</summary>
    private static SafeFileHandle? Claim(string path, long bytes, SegmentPool pool)
    {
        foreach (string free in pool.For(bytes))
        {
            var file = Libc.Open(free, Libc.ReadWrite | Libc.CloseOnExec | Libc.NoFollow, 0);

            // Others may take it, or remove it, at the same time: whoever has the lock while it has its name may give it another.
            if (!file.IsInvalid && Libc.Lock(file, Libc.LockExclusive | Libc.LockNonBlocking) == 0 && Libc.IsNamed(file, free) && Libc.Rename(free, path) == 0)
            {
                return file;
            }

            file.Dispose();
        }

        return null;
    }

    private static LinuxSegmentFile Map(SegmentName name, SafeFileHandle file, long reserve, StoreBudget budget)
    {
        long there = Libc.Seek(file, 0, Libc.SeekEnd);
        if (KeptMapping.Take(file) is { } kept)
        {
            kept.File.Dispose();
            if (kept.Range >= reserve + Page)
            {
                return new LinuxSegmentFile(name, file, budget, kept.Address, kept.Range, there, kept.Populated);
            }

            _ = Libc.Unmap(kept.Address, (nint)kept.Range);
        }

        long range = Math.Clamp(budget.Capacity + Page, Math.Max(Math.Max(reserve, there) + Page, 1 << 20), LargestRange) / Page * Page;
        nint address;
        while ((address = Libc.Map(0, (nint)range, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared | Libc.MapNoReserve, file, 0)) == -1)
        {
            // Address space is limited here (ulimit -v): take what was kept, or less of it, and refuse larger segments.
            int error = Marshal.GetLastPInvokeError();
            if (error == Libc.NoMemory && KeptMapping.LetGo(null))
            {
                continue;
            }

            if (error != Libc.NoMemory || range / 2 < Math.Max(reserve, there) + Page)
            {
                throw Libc.Error("mmap", name.Building);
            }

            range = range / 2 / Page * Page;
        }

        return new LinuxSegmentFile(name, file, budget, address, range, there, 0);
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // This may run in a finaliser, where throwing ends the process; a sweep finds what stayed.
        }
    }

    internal static SafeFileHandle OpenLocked(string path)
    {
        while (true)
        {
            var file = Libc.Open(path, Libc.ReadWrite | Libc.Create | Libc.Exclusive | Libc.CloseOnExec | Libc.NoFollow, 0b110_000_000);
            if (file.IsInvalid)
            {
                var error = Marshal.GetLastPInvokeError() is Libc.NoSpace or Libc.Quota
                    ? new GristmillException(ErrorCodes.StoreFull, $"{path} cannot be created: its file system is full.", "Delete objects that are no longer needed.")
                    : (Exception)Libc.Error("open", path);
                file.Dispose();
                throw error;
            }

            if (!Libc.TryLock(file, Libc.LockExclusive))
            {
                var error = Libc.Error("flock", path);
                file.Dispose();
                File.Delete(path);
                throw error;
            }

            if (File.Exists(path))
            {
                return file;
            }

            file.Dispose(); // a sweep came between creation and lock: once more
        }
    }

    private void Grow(long needed, bool exactly)
    {
        needed = (needed + Page - 1) / Page * Page;
        if (needed > _range)
        {
            throw _budget.Full(needed - _reserved);
        }

        Join();
        if (needed > _reserved)
        {
            // Steps double, so that many small allocations cost few system calls and little is reserved in vain.
            long step = exactly ? 0 : Math.Clamp(_reserved, FirstStep, LargestStep);
            long target = Math.Min(_range, Math.Max(needed, _reserved + step));
            if (!TryGrow(target) && !TryGrow(needed) && !_budget.MakeRoom(needed - _reserved, _budget.Patience, () => TryGrow(needed)))
            {
                throw _budget.Full(needed - _reserved);
            }
        }
    }

    private (long Reserved, long Populated) PopulateAhead(long reserved, long populated)
    {
        try
        {
            long target = populated + AheadStep;
            if (target > reserved)
            {
                if (!TryReserve(reserved, target))
                {
                    return (reserved, populated);
                }

                reserved = target;
            }

            _ = Libc.Advise(_address + (nint)populated, (nint)AheadStep, Libc.MadvPopulateWrite);
            return (reserved, target);
        }
        catch (IOException)
        {
            // Nobody has asked for it yet: who does tries again and gets the error.
            return (reserved, populated);
        }
    }

    /// <summary>Waits for the step that is being made ready, if there is one. One that failed is tried again, and reported, when it is needed.</summary>
    private void Join()
    {
        if (_ahead is { } ahead)
        {
            _ahead = null;
            var (reserved, populated) = ahead.GetAwaiter().GetResult();
            _reserved = Math.Max(_reserved, reserved);
            _populated = Math.Max(_populated, populated);
        }
    }

    private bool TryGrow(long target)
    {
        if (target > _reserved)
        {
            if (!TryReserve(_reserved, target))
            {
                return false;
            }

            _reserved = target;
        }

        return true;
    }

    private bool TryReserve(long from, long target) => _budget.TryTake(target - from) && Libc.TryReserve(_file, _name.Building, from, target - from);
}
