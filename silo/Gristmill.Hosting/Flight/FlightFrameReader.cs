using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Gristmill.Flight;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>
/// Reads FlightData messages from the connection, a body as it arrives: nothing of it is gathered, so the sender goes no faster than its segment is
/// written. Trusts no length: each is checked against the message it lies in and what may be held.
/// </summary>
/// <param name="input">The request's body.</param>
internal sealed class FlightFrameReader(PipeReader input)
{
    private const int Prefix = 5;
    private const int MaxVarint = 10;

    /// <summary>A header has some hundred bytes a column.</summary>
    private const int MaxHeader = 16 << 20;

    private const int MaxDescriptor = 1 << 20;
    private const int MaxMetadata = 1 << 20;

    /// <summary>Bytes of the message that have not been read.</summary>
    private long _left;

    private long _bodyLeft;

    /// <summary>What the stream is about, as its first message says; null: that says nothing.</summary>
    public FlightDescriptor? Descriptor { get; private set; }

    /// <summary>The header of the message that was read last; empty: it has none, as one that carries a descriptor alone.</summary>
    public ReadOnlyMemory<byte> Header { get; private set; }

    /// <summary>Bytes of its body.</summary>
    public long BodyLength { get; private set; }

    /// <summary>Reads the next message up to its body.</summary>
    /// <returns>False: the sender has ended the stream.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>, <see cref="ErrorCodes.TooLarge"/>, <see cref="ErrorCodes.Invalid"/>.</exception>
    public async ValueTask<bool> NextAsync(CancellationToken cancellationToken)
    {
        (Header, BodyLength) = (default, 0);
        var start = await AtLeastAsync(Prefix, cancellationToken);
        if (start.IsEmpty)
        {
            return false;
        }

        _left = ReadPrefix(start);
        input.AdvanceTo(start.GetPosition(Prefix));
        while (_left > 0)
        {
            var (field, wire) = Split(await VarintAsync(cancellationToken));
            if (wire != 2)
            {
                await PassAsync(wire, cancellationToken);
                continue;
            }

            var length = await LengthAsync(cancellationToken);
            switch (field)
            {
                case 1:
                    var descriptor = await BytesAsync(length, MaxDescriptor, "descriptor", cancellationToken);
                    Descriptor ??= FlightDescriptor.Read(descriptor);
                    break;
                case 2:
                    Header = await BytesAsync(length, MaxHeader, "header", cancellationToken);
                    break;
                case FlightWire.BodyField:
                    _bodyLeft = BodyLength = length;
                    return true;
                case 3:
                    // Programs of their own may send something here; nothing of it means anything to us.
                    await BytesAsync(length, MaxMetadata, "metadata", cancellationToken);
                    break;
                default:
                    await SkipAsync(length, cancellationToken);
                    break;
            }
        }

        return true;
    }

    /// <summary>Hands the body over as it arrives, and reads the message to its end.</summary>
    public async ValueTask ReadBodyAsync(ObjectImport target, CancellationToken cancellationToken)
    {
        while (_bodyLeft > 0)
        {
            var read = await ReadAsync(cancellationToken);
            var part = read.Slice(0, Math.Min(_bodyLeft, read.Length));
            foreach (var piece in part)
            {
                target.Write(piece.Span);
            }

            _bodyLeft -= part.Length;
            Advance(part.End, part.Length);
        }

        while (_left > 0)
        {
            // Whoever sends something behind the body, which is to come last, sends what we cannot take: a header would have said where the body goes.
            var (field, wire) = Split(await VarintAsync(cancellationToken));
            if (field is 2 or FlightWire.BodyField)
            {
                throw Malformed("a message has more than one body, or its header behind it");
            }

            await PassAsync(wire, cancellationToken);
        }
    }

    private static long ReadPrefix(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < Prefix)
        {
            throw CutOff();
        }

        Span<byte> prefix = stackalloc byte[Prefix];
        buffer.Slice(0, Prefix).CopyTo(prefix);
        return prefix[0] == 0
            ? BinaryPrimitives.ReadUInt32BigEndian(prefix[1..])
            : throw new GristmillException(ErrorCodes.Invalid, "A message is compressed by gRPC.", "Send it as it is; Arrow's own compression of bodies (LZ4, Zstandard) is taken.");
    }

    private static (int Field, int Wire) Split(ulong tag) => tag is > 7 and <= uint.MaxValue ? ((int)(tag >> 3), (int)(tag & 7)) : throw Malformed("a message has a field without a number");

    private async ValueTask<int> LengthAsync(CancellationToken cancellationToken)
    {
        var length = await VarintAsync(cancellationToken);
        return length <= (ulong)_left && length <= int.MaxValue ? (int)length : throw Malformed($"a field claims {length} bytes, {_left} of its message are left");
    }

    private async ValueTask<ulong> VarintAsync(CancellationToken cancellationToken)
    {
        if (_left == 0)
        {
            throw Malformed("a message ends in the middle of a field");
        }

        var wanted = (int)Math.Min(_left, MaxVarint);
        var read = await AtLeastAsync(wanted, cancellationToken);
        var (value, used) = ReadVarint(read.Slice(0, Math.Min(read.Length, wanted)));
        if (used == 0)
        {
            throw read.Length < wanted ? CutOff() : Malformed("a number in a message has no end");
        }

        Advance(read.GetPosition(used), used);
        return value;
    }

    private static (ulong Value, int Used) ReadVarint(ReadOnlySequence<byte> bytes)
    {
        var reader = new SequenceReader<byte>(bytes);
        ulong value = 0;
        for (var shift = 0; reader.TryRead(out var part); shift += 7)
        {
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return (value, (int)reader.Consumed);
            }
        }

        return (0, 0);
    }

    private async ValueTask<byte[]> BytesAsync(int length, int most, string name, CancellationToken cancellationToken)
    {
        if (length > most)
        {
            throw new GristmillException(ErrorCodes.TooLarge, $"A message's {name} has {length} bytes; {most} are taken.", "Send fewer columns at once.");
        }

        if (length == 0)
        {
            return []; // asking for nothing waits for something, which may never come
        }

        var read = await AtLeastAsync(length, cancellationToken);
        if (read.Length < length)
        {
            throw CutOff();
        }

        var bytes = read.Slice(0, length).ToArray();
        Advance(read.GetPosition(length), length);
        return bytes;
    }

    /// <summary>Passes over a field whose tag has been read.</summary>
    private async ValueTask PassAsync(int wire, CancellationToken cancellationToken)
    {
        switch (wire)
        {
            case 0:
                await VarintAsync(cancellationToken);
                break;
            case 1 or 5 when _left >= (wire == 1 ? 8 : 4):
                await SkipAsync(wire == 1 ? 8 : 4, cancellationToken);
                break;
            case 2:
                await SkipAsync(await LengthAsync(cancellationToken), cancellationToken);
                break;
            default:
                throw Malformed($"a message has a field of wire type {wire}");
        }
    }

    private async ValueTask SkipAsync(int length, CancellationToken cancellationToken)
    {
        for (long left = length; left > 0;)
        {
            var read = await ReadAsync(cancellationToken);
            var part = read.Slice(0, Math.Min(left, read.Length));
            left -= part.Length;
            Advance(part.End, part.Length);
        }
    }

    /// <summary>Whatever has come, at least a byte.</summary>
    private async ValueTask<ReadOnlySequence<byte>> ReadAsync(CancellationToken cancellationToken) =>
        await AtLeastAsync(1, cancellationToken) is { IsEmpty: false } read ? read : throw CutOff();

    /// <summary>So many bytes or more; fewer at the stream's end.</summary>
    private async ValueTask<ReadOnlySequence<byte>> AtLeastAsync(int bytes, CancellationToken cancellationToken)
    {
        try
        {
            return (await input.ReadAtLeastAsync(bytes, cancellationToken)).Buffer;
        }
        catch (IOException e)
        {
            // So the connection says that the other end has given up the call.
            throw new OperationCanceledException("The sender has left.", e);
        }
    }

    private void Advance(SequencePosition to, long bytes)
    {
        input.AdvanceTo(to);
        _left -= bytes;
    }

    private static GristmillException CutOff() => Malformed("the stream ends in the middle of a message");

    private static GristmillException Malformed(string what) => new(ErrorCodes.Corrupt, $"Malformed Flight data: {what}.", "Send it with Arrow's own client.");
}
