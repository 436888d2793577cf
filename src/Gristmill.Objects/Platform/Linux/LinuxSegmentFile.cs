using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>
/// A segment being written on Linux. The whole range it may ever take is mapped once, so addresses never move; the file
/// behind it grows by posix_fallocate, which fails with an error code where a store to an unreserved page would be SIGBUS.
/// Fresh pages cost as much as what is written to them: of a large segment the next step is made ready while this one is filled.
/// </summary>
internal sealed unsafe class LinuxSegmentFile : SegmentFile
{
    private const long Page = 4096;
    private const long FirstStep = 64 << 10;
    private const long LargestStep = 64 << 20;
    private const long AheadFrom = 8 << 20;
    private const long AheadStep = 16 << 20;
    private const long LargestRange = 1L << 40;
    private static readonly TimeSpan s_unmapDelay = TimeSpan.FromMilliseconds(500);

    private readonly SegmentName _name;
    private readonly SafeFileHandle _file;
    private readonly StoreBudget _budget;
    private readonly nint _address;
    private readonly long _range;
    private long _reserved;
    private Task<long>? _ahead;
    private bool _published;

    private LinuxSegmentFile(SegmentName name, SafeFileHandle file, StoreBudget budget, nint address, long range)
    {
        _name = name;
        _file = file;
        _budget = budget;
        _address = address;
        _range = range;
    }

    public override long Reserved => _reserved;

    public static LinuxSegmentFile Create(SegmentName name, long reserve, StoreBudget budget)
    {
        string path = name.Building;
        var file = OpenLocked(path);
        try
        {
            long range = Math.Clamp(budget.Capacity + Page, Math.Max(reserve + Page, 1 << 20), LargestRange) / Page * Page;
            nint address;
            while ((address = Libc.Map(0, (nint)range, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared | Libc.MapNoReserve, file, 0)) == -1)
            {
                // Address space is limited here (ulimit -v): take less of it, and refuse larger segments.
                if (Marshal.GetLastPInvokeError() != Libc.NoMemory || range / 2 < reserve + Page)
                {
                    throw Libc.Error("mmap", path);
                }

                range = range / 2 / Page * Page;
            }

            var segment = new LinuxSegmentFile(name, file, budget, address, range);
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

    public override byte* At(long position) => (byte*)_address + position;

    public override long RunFrom(long position) => _reserved - position;

    public override long Locate(byte* memory, long bytes)
    {
        long position = (nint)memory - _address;
        return position >= 0 && position + bytes <= _reserved ? position : -1;
    }

    public override string Publish(long length)
    {
        Join();
        if (Libc.Truncate(_file, length) != 0 || Libc.ChangeMode(_file, 0b100_000_000) != 0)
        {
            throw Libc.Error("ftruncate", _name.Building);
        }

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
        if (_published && _reserved > LargestStep)
        {
            // Unmapping takes a tenth of a second a gigabyte. A sealed object's first reader need not wait for it, nor
            // share a core and this process's memory map with it, so it comes a moment later.
            _ = Task.Delay(s_unmapDelay).ContinueWith(
                static (_, segment) => Libc.Unmap(((LinuxSegmentFile)segment!)._address, (nint)((LinuxSegmentFile)segment)._range), this, TaskScheduler.Default);
        }
        else
        {
            _ = Libc.Unmap(_address, (nint)_range);
        }

        if (!_published)
        {
            Remove(_name.Building);
        }

        _file.Dispose(); // gives the lock back
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

        if (!exactly && _reserved >= AheadFrom && _reserved + AheadStep <= _range)
        {
            long from = _reserved;
            _ahead = Task.Run(() => ReserveAhead(from));
        }
    }

    private long ReserveAhead(long from)
    {
        try
        {
            return TryReserve(from, from + AheadStep) ? from + AheadStep : from;
        }
        catch (IOException)
        {
            // Nobody has asked for it yet: who does tries again and gets the error.
            return from;
        }
    }

    /// <summary>Waits for the step that is being made ready, if there is one. One that failed is tried again, and reported, when it is needed.</summary>
    private void Join()
    {
        if (_ahead is { } ahead)
        {
            _ahead = null;
            ahead.Wait();
            _reserved = Math.Max(_reserved, ahead.Result);
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

    private bool TryReserve(long from, long target)
    {
        if (!_budget.TryTake(target - from) || !Libc.TryReserve(_file, _name.Building, from, target - from))
        {
            return false;
        }

        // One call maps the new pages; faulting them in one at a time is several times slower. Needs Linux 5.14, else faults it is.
        _ = Libc.Advise(_address + (nint)from, (nint)(target - from), Libc.MadvPopulateWrite);
        return true;
    }
}
