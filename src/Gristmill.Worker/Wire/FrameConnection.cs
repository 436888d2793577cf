using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill.Worker;

/// <summary>Takes one frame; the payload is valid during the call only.</summary>
internal delegate void FrameHandler(FrameKind kind, long id, ReadOnlySpan<byte> payload);

/// <summary>
/// Frames over a stream socket: length of what follows (int32, little endian), kind (byte), request id (int64), payload
/// (UTF-8 JSON or nothing). Sending never blocks the caller: whoever finds the socket idle sends, and what others
/// queue meanwhile goes out in the same write.
/// </summary>
/// <remarks>
/// All calls on the socket are synchronous, so that a message wakes the one thread that reads. After a first asynchronous call .NET has
/// the kernel tell its own thread of what comes, which wakes a reader in turn, even one that reads synchronously.
/// </remarks>
internal sealed class FrameConnection(Socket socket) : IDisposable
{
    /// <summary>Larger frames are refused on both sides. Tables and models never travel here, only references.</summary>
    public const int MaxFrameBytes = 16 << 20;

    private const int HeadBytes = 4 + 1 + 8;
    // Fits into the room that a socket has left while it says that it can be written to (unix_writable in net/unix/af_unix.c: three
    // quarters of its buffer), whose default is 208 KiB.
    private const int SendBytes = 32 << 10;
    // Progress may be dropped once this much waits for a peer that does not read.
    private const int BacklogBytes = 1 << 20;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_buffer;
    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    private readonly Lock _gate = new();
    private byte[] _pending = new byte[16 << 10];
    private byte[] _sending = new byte[16 << 10];
    private int _count;
    // Of _sending, what the kernel has not taken yet.
    private int _unsent;
    private bool _flushing;
    private bool _closed;

    /// <summary>Whether so much waits to be sent that what is not needed should be left out.</summary>
    public bool Congested => Volatile.Read(ref _count) + Volatile.Read(ref _unsent) > BacklogBytes;

    /// <summary>Whether frames have been queued that are not with the kernel yet.</summary>
    internal bool Waiting
    {
        get
        {
            lock (_gate)
            {
                return _flushing;
            }
        }
    }

    /// <summary>Sends a frame with a JSON payload. After the connection broke it does nothing: the reading side reports that.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the frame is too large.</exception>
    public void Send<T>(FrameKind kind, long id, T value, JsonTypeInfo<T> type)
    {
        var buffer = t_buffer ??= new ArrayBufferWriter<byte>(1024);
        var writer = t_writer ??= new Utf8JsonWriter(buffer);
        buffer.ResetWrittenCount();
        writer.Reset(buffer);
        JsonSerializer.Serialize(writer, value, type);
        writer.Flush();
        var bytes = buffer.WrittenCount;
        if (HeadBytes + bytes > MaxFrameBytes)
        {
            t_buffer = null;
            t_writer = null;
            throw new GristmillException(ErrorCodes.Invalid,
                $"A message of {bytes:N0} bytes for a worker is above the limit of {MaxFrameBytes:N0}.",
                "Pass data as a dataset, not in options or metrics.");
        }

        Send(kind, id, buffer.WrittenSpan);
    }

    /// <summary>Sends a frame.</summary>
    public void Send(FrameKind kind, long id, ReadOnlySpan<byte> payload = default) => Send(kind, id, default, payload);

    /// <summary>Sends a frame whose payload is in two parts.</summary>
    public void Send(FrameKind kind, long id, ReadOnlySpan<byte> first, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            var need = _count + HeadBytes + first.Length + payload.Length;
            if (need > _pending.Length)
            {
                Array.Resize(ref _pending, Math.Max(need, _pending.Length * 2));
            }

            var frame = _pending.AsSpan(_count);
            BinaryPrimitives.WriteInt32LittleEndian(frame, HeadBytes - 4 + first.Length + payload.Length);
            frame[4] = (byte)kind;
            BinaryPrimitives.WriteInt64LittleEndian(frame[5..], id);
            first.CopyTo(frame[HeadBytes..]);
            payload.CopyTo(frame[(HeadBytes + first.Length)..]);
            _count = need;
            if (_flushing)
            {
                return;
            }

            _flushing = true;
        }

        Flush();
    }

    /// <summary>Reads frames on the calling thread until the other side closes or this one is disposed.</summary>
    /// <exception cref="InvalidDataException">A frame's length is out of bounds.</exception>
    /// <exception cref="SocketException">The connection broke.</exception>
    public void Read(FrameHandler handler)
    {
        var buffer = new FrameBuffer();
        for (int read; (read = socket.Receive(buffer.Free.Span)) > 0;)
        {
            buffer.Take(read, handler);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _count = 0;
        }

        try
        {
            // Whoever reads or sends on another thread comes back.
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }

        socket.Dispose();
    }

    /// <summary>Sends what is queued, until nothing is. A peer that does not read is waited for on a thread of its own.</summary>
    private void Flush()
    {
        while (true)
        {
            int count;
            lock (_gate)
            {
                if (_count == 0 || _closed)
                {
                    _flushing = false;
                    return;
                }

                (_pending, _sending) = (_sending, _pending);
                count = _count;
                Volatile.Write(ref _unsent, count);
                _count = 0;
            }

            if (Push(0, count, wait: false) is var sent && sent < count)
            {
                new Thread(() =>
                {
                    Push(sent, count, wait: true);
                    Flush();
                })
                { IsBackground = true, Name = "gristmill-send" }.Start();
                return;
            }
        }
    }

    /// <summary>Sends bytes from .. until.</summary>
    /// <returns>How far it came: to the end, or without <paramref name="wait"/> to where the socket takes no more for now.</returns>
    private int Push(int from, int until, bool wait)
    {
        try
        {
            while (from < until && (wait || socket.Poll(0, SelectMode.SelectWrite)))
            {
                from += socket.Send(_sending.AsSpan(from, Math.Min(SendBytes, until - from)));
                Volatile.Write(ref _unsent, until - from);
            }

            return from;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            lock (_gate)
            {
                _closed = true;
                _unsent = 0;
                return until;
            }
        }
    }

    /// <summary>Cuts a stream of bytes into frames.</summary>
    private sealed class FrameBuffer
    {
        private byte[] _bytes = new byte[64 << 10];
        private int _end;

        public Memory<byte> Free => _bytes.AsMemory(_end);

        public void Take(int read, FrameHandler handler)
        {
            _end += read;
            var start = 0;
            while (_end - start >= 4)
            {
                var length = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(start));
                if (length is < HeadBytes - 4 or > MaxFrameBytes)
                {
                    throw new InvalidDataException($"A frame of {length} bytes is not of this protocol.");
                }

                if (_end - start < 4 + length)
                {
                    if (4 + length > _bytes.Length)
                    {
                        Array.Resize(ref _bytes, 4 + length);
                    }

                    break;
                }

                var frame = _bytes.AsSpan(start + 4, length);
                handler((FrameKind)frame[0], BinaryPrimitives.ReadInt64LittleEndian(frame[1..]), frame[9..]);
                start += 4 + length;
            }

            if (start > 0)
            {
                _bytes.AsSpan(start, _end - start).CopyTo(_bytes);
                _end -= start;
            }
        }
    }
}
