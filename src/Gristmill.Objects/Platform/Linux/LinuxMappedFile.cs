using System.Runtime.InteropServices;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>
/// A file mapped for reading by mmap. The shared lock taken before belongs to the open file, which the mapping keeps open when its
/// descriptor is closed: it is there as long as the mapping, goes with a killed process, and costs no descriptor.
/// </summary>
internal sealed unsafe class LinuxMappedFile : MappedFile
{
    private LinuxMappedFile(nint address, long length)
    {
        Pointer = (byte*)address;
        Length = length;
    }

    public static LinuxMappedFile? Open(string path, bool hold)
    {
        using var file = Libc.Open(path, Libc.CloseOnExec | Libc.NoFollow | Libc.NonBlocking, 0); // non-blocking: a pipe somebody put there must not stop us
        if (file.IsInvalid)
        {
            return Marshal.GetLastPInvokeError() is Libc.NotFound or Libc.Loop ? null : throw Libc.Error("open", path);
        }

        // Waits for as long as somebody removes it, or seals it: microseconds. Only then does its length mean anything: who removes it cuts it first.
        if (hold && !Libc.TryLock(file, Libc.LockShared))
        {
            throw Libc.Error("flock", path);
        }

        if (hold && !Libc.IsNamed(file, path))
        {
            return null; // removed meanwhile, and it may be written again
        }

        long length = Libc.Seek(file, 0, Libc.SeekEnd);
        if (length <= 0)
        {
            return new LinuxMappedFile(0, 0); // nothing can be mapped of an empty file: it is for the reader to refuse it
        }

        if (hold)
        {
            _ = Libc.SetTimes(file, Libc.AccessedNow); // what is mapped is wanted: what was longest ago is spilled first
        }

        nint address = Libc.Map(0, (nint)length, Libc.ProtRead, Libc.MapShared, file, 0);
        return address == -1 ? throw Libc.Error("mmap", path) : new LinuxMappedFile(address, length);
    }

    public override void Prefault()
    {
        // Refused by kernels before 5.14; pages then come one fault at a time.
        _ = Libc.Advise((nint)Pointer, (nint)Length, Libc.MadvPopulateRead);
    }

    protected override void Release()
    {
        if (Pointer is not null)
        {
            _ = Libc.Unmap((nint)Pointer, (nint)Length);
        }
    }
}
