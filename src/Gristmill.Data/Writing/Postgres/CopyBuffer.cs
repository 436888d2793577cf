using System.Buffers;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>What goes to the server next. It is sent whenever it is full, and sending waits for the server: no more than this is ever on its way.</summary>
internal sealed class CopyBuffer(Action<ReadOnlyMemory<byte>> send) : IBufferWriter<byte>, IDisposable
{
    private const int Size = 1 << 16;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Size);
    private int _end;

    public void Advance(int count) => _end += count;

    /// <summary>Room for so many bytes, at most 64 KiB; 0: for some.</summary>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_buffer.Length - _end < Math.Max(1, sizeHint))
        {
            Flush();
        }

        return _buffer.AsMemory(_end);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Flush()
    {
        if (_end > 0)
        {
            send(_buffer.AsMemory(0, _end));
            _end = 0;
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _buffer, []));
}
