using System.IO.MemoryMappedFiles;

namespace Gristmill.Objects.Platform.Portable;

/// <summary>
/// A segment being written through .NET's own mapped files. These cannot grow in place, so each growth maps a further
/// part of the file; what is placed lies in one part, and the rest of the part before stays empty.
/// </summary>
internal sealed unsafe class PortableSegmentFile : SegmentFile
{
    /// <summary>Views start at multiples of this on Windows.</summary>
    private const long Granularity = 64 << 10;

    private readonly SegmentName _name;
    private readonly StoreBudget _budget;
    private readonly FileStream _stream;
    private readonly List<(long Start, long Length, nint Address, MemoryMappedFile File, MemoryMappedViewAccessor View)> _parts = [];
    private bool _published;

    public PortableSegmentFile(SegmentName name, long reserve, StoreBudget budget)
    {
        _name = name;
        _budget = budget;
        _stream = new FileStream(name.Building, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        try
        {
            Add(reserve);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override long Reserved => _parts.Count == 0 ? 0 : _parts[^1].Start + _parts[^1].Length;

    public override long Place(long position, long bytes)
    {
        var part = _parts[^1];
        if (position >= part.Start && position + bytes <= part.Start + part.Length)
        {
            return position;
        }

        long end = Reserved;
        Add(Math.Max(bytes, Math.Min(end, 64 << 20)));
        return end;
    }

    public override byte* At(long position)
    {
        var part = Part(position);
        return (byte*)part.Address + (position - part.Start);
    }

    public override long RunFrom(long position)
    {
        var part = Part(position);
        return part.Start + part.Length - position;
    }

    public override long Locate(byte* memory, long bytes)
    {
        foreach (var part in _parts)
        {
            long offset = (nint)memory - part.Address;
            if (offset >= 0 && offset + bytes <= part.Length)
            {
                return part.Start + offset;
            }
        }

        return -1;
    }

    public override string Publish(long length)
    {
        Unmap();
        _stream.SetLength(length);
        _stream.Dispose();
        File.Move(_name.Building, _name.Sealed, overwrite: false);
        _published = true;
        Dispose();
        return _name.Id;
    }

    protected override void Release()
    {
        Unmap();
        _stream.Dispose();
        if (!_published)
        {
            File.Delete(_name.Building);
        }
    }

    private void Add(long bytes)
    {
        bytes = (bytes + Granularity - 1) / Granularity * Granularity;
        _budget.Demand(bytes);
        long start = Reserved;
        try
        {
            _stream.SetLength(start + bytes);
        }
        catch (IOException)
        {
            throw _budget.Full(bytes);
        }

        var file = MemoryMappedFile.CreateFromFile(_stream, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        var view = file.CreateViewAccessor(start, bytes, MemoryMappedFileAccess.ReadWrite);
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        _parts.Add((start, bytes, (nint)pointer + (nint)view.PointerOffset, file, view));
    }

    private (long Start, long Length, nint Address, MemoryMappedFile File, MemoryMappedViewAccessor View) Part(long position) =>
        _parts.First(part => position >= part.Start && position < part.Start + part.Length);

    private void Unmap()
    {
        foreach (var part in _parts)
        {
            part.View.SafeMemoryMappedViewHandle.ReleasePointer();
            part.View.Dispose();
            part.File.Dispose();
        }

        _parts.Clear();
    }
}
