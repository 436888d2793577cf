using System.Buffers;
using System.Runtime.CompilerServices;

namespace Gristmill.Engines.MLNet;

/// <summary>Fixed-width values of one Arrow buffer where they lie, pinned for as long as a cursor stands in their batch.</summary>
internal sealed unsafe class PinnedValues<T> : IDisposable
    where T : unmanaged
{
    private MemoryHandle _pin;
    private T* _first;
    private int _length;

    internal T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (uint)index < (uint)_length ? _first[index] : throw new ArgumentOutOfRangeException(nameof(index));
    }

    internal ReadOnlySpan<T> Slice(int start, int count) => new ReadOnlySpan<T>(_first, _length).Slice(start, count);

    /// <summary>Lets the buffer before go, and takes another.</summary>
    internal void Bind(ReadOnlyMemory<byte> memory, int offset, int length)
    {
        Dispose();
        if (length > 0)
        {
            var bytes = memory.Slice(checked(offset * sizeof(T)), checked(length * sizeof(T)));
            _pin = bytes.Pin();
            _first = (T*)_pin.Pointer;
            _length = length;
        }
    }

    /// <summary>Whether the values lie in memory that a test holds.</summary>
    internal bool LiesIn(Func<nint, int, bool> owns) => owns((nint)_first, _length * sizeof(T));

    public void Dispose()
    {
        _pin.Dispose();
        _pin = default;
        _first = null;
        _length = 0;
    }
}
