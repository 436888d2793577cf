using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Slabs;

/// <summary>
/// An object being written that may stay small: it is built in memory of this process, used again and again, and copied into a slab when it is sealed. One that
/// outgrows it gets a segment of its own, to which what is written goes over; buffers handed out before stay where they are, and are copied when
/// their batch ends.
/// </summary>
/// <param name="most">Bytes of the largest object that stays, <see cref="Size"/> at most.</param>
/// <param name="slabs">Where it goes then.</param>
/// <param name="create">Makes a segment for so many bytes.</param>
internal sealed unsafe class ScratchSegment(int most, SlabWriter slabs, Func<long, SegmentFile> create) : SegmentFile
{
    /// <summary>Bytes of the largest object in a slab.</summary>
    public const int Size = 64 << 10;

    private const int MostSpare = 16;
    private static readonly ConcurrentBag<nint> s_spare = []; // addresses: an object with a finaliser could be finalised before this one's

    private readonly nint _address = s_spare.TryTake(out nint spare) ? spare : (nint)NativeMemory.AlignedAlloc(Size, 64);
    private SegmentFile? _segment;
    private long _used;

    private byte* Scratch => (byte*)_address;

    public override long Reserved => _segment?.Reserved ?? most;

    public override long Place(long position, long bytes)
    {
        if (_segment is null && position + bytes > most)
        {
            var segment = create(Math.Max(position + bytes, 4 * Size));
            segment.Write(0, new ReadOnlySpan<byte>(Scratch, (int)_used));
            _segment = segment;
        }

        if (_segment is not null)
        {
            return _segment.Place(position, bytes);
        }

        new Span<byte>(Scratch + position, (int)bytes).Clear(); // what was here before
        _used = position + bytes;
        return position;
    }

    public override long Dirty => _segment?.Dirty ?? 0;

    public override void Populate(long position, long bytes) => _segment?.Populate(position, bytes);

    public override void Write(long position, ReadOnlySpan<byte> bytes)
    {
        if (_segment is null)
        {
            base.Write(position, bytes);
        }
        else
        {
            _segment.Write(position, bytes);
        }
    }

    public override byte* At(long position) => _segment is null ? Scratch + position : _segment.At(position);

    public override long RunFrom(long position) => _segment?.RunFrom(position) ?? _used - position;

    public override long Locate(byte* memory, long bytes)
    {
        if (_segment is not null)
        {
            return _segment.Locate(memory, bytes);
        }

        long position = memory - Scratch;
        return position >= 0 && position + bytes <= _used ? position : -1;
    }

    public override string Publish(long length) => _segment?.Publish(length) ?? slabs.Append(new ReadOnlySpan<byte>(Scratch, (int)length));

    protected override void Release()
    {
        _segment?.Dispose();
        if (s_spare.Count < MostSpare)
        {
            s_spare.Add(_address);
        }
        else
        {
            NativeMemory.AlignedFree(Scratch);
        }
    }
}
