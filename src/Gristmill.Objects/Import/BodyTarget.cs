using Gristmill.Objects.Ipc;
using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Import;

/// <summary>
/// Where the body of one message goes while it arrives: each buffer to its own aligned place in the segment, or the whole of it into memory.
/// Senders align buffers to 8 bytes, segments to 64: laid down as it comes, every buffer would have to be moved once more.
/// </summary>
internal sealed class BodyTarget
{
    private readonly long _length;
    private readonly (long Start, Memory<byte> Memory)[] _places;
    private long _position;
    private int _next;

    /// <summary>A body held in memory as it comes.</summary>
    /// <param name="length">Its bytes, at most 2 GiB.</param>
    /// <param name="memory">So many; null for a message without a body.</param>
    public unsafe BodyTarget(long length, HeapMemory? memory = null)
    {
        _length = length;
        _places = memory is null ? [] : [(0, new SegmentMemory(memory, memory.Pointer, memory.Length).Memory)];
    }

    /// <summary>A body whose buffers go into the open batch of a writer.</summary>
    public BodyTarget(long length, BatchMessage message, ObjectWriter writer)
    {
        _length = length;
        InSegment = true;
        _places = [.. message.Buffers.Where(static buffer => buffer.Length > 0).Select(buffer => (buffer.Offset, writer.AllocateUninitialized((int)buffer.Length)))];
    }

    /// <summary>Whether it lies in the segment already.</summary>
    public bool InSegment { get; }

    /// <summary>Bytes yet to come.</summary>
    public long Missing => _length - _position;

    /// <summary>Whether buffers follow one another: those that share bytes, or lie in another order, cannot be put down as they come.</summary>
    public static bool InOrder(BatchMessage message)
    {
        long end = 0;
        foreach (var (offset, length) in message.Buffers)
        {
            if (length > 0)
            {
                if (offset < end || length > int.MaxValue)
                {
                    return false;
                }

                end = offset + length;
            }
        }

        return true;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int step = bytes.Length;
            if (_next < _places.Length)
            {
                var (start, memory) = _places[_next];
                long into = _position - start;
                if (into < 0)
                {
                    step = (int)Math.Min(step, -into); // padding before the buffer
                }
                else
                {
                    step = (int)Math.Min(step, memory.Length - into);
                    bytes[..step].CopyTo(memory.Span[(int)into..]);
                    _next += into + step == memory.Length ? 1 : 0;
                }
            }

            bytes = bytes[step..];
            _position += step;
        }
    }

    /// <summary>A range of the body; of one in the segment, a whole buffer.</summary>
    public ReadOnlyMemory<byte> View(long offset, int length) =>
        InSegment ? _places[Array.BinarySearch(_places, (offset, default), ByStart.Instance)].Memory : _places[0].Memory.Slice((int)offset, length);

    private sealed class ByStart : IComparer<(long Start, Memory<byte> Memory)>
    {
        public static readonly ByStart Instance = new();

        public int Compare((long Start, Memory<byte> Memory) x, (long Start, Memory<byte> Memory) y) => x.Start.CompareTo(y.Start);
    }
}
