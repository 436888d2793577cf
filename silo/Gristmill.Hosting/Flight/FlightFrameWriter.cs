using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Gristmill.Flight;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>
/// Writes FlightData messages to the connection, each body from where it lies in the segment, straight into what waits to be sent. A marshaller would have gRPC gather the whole message
/// before the first byte is sent; here a piece waits until the receiver has taken the one before (its HTTP/2 window), whatever a batch's size.
/// </summary>
/// <param name="output">The response's body.</param>
internal sealed class FlightFrameWriter(PipeWriter output)
{
    /// <summary>Bytes that are on their way at a time.</summary>
    private const int Piece = 256 << 10;

    /// <summary>Bytes read at a time.</summary>
    private const int Read = 64 << 10;

    /// <summary>gRPC's messages have 2 GiB at most, of which a header may take some.</summary>
    private const long MaxBody = int.MaxValue - (64 << 20);

    private const int Prefix = 5;

    /// <summary>Most bytes of a tag and a length.</summary>
    private const int FieldStart = 10;

    public async ValueTask WriteAsync(ObjectMessage message, CancellationToken cancellationToken)
    {
        WriteStart(message.Header.Span, message.BodyLength);
        for (long at = 0; at < message.BodyLength;)
        {
            if (at > 0 && at % Piece == 0)
            {
                await FlushAsync(cancellationToken);
            }

            var length = (int)Math.Min(Read, message.BodyLength - at);
            message.ReadBody(at, output.GetSpan(length)[..length]);
            output.Advance(length);
            at += length;
        }

        await FlushAsync(cancellationToken);
    }

    /// <summary>Writes a message without a body.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> header, CancellationToken cancellationToken)
    {
        WriteStart(header.Span, 0);
        await FlushAsync(cancellationToken);
    }

    /// <summary>gRPC's prefix (not compressed, the length), the header as field 2, and tag and length of the body, field 1000.</summary>
    private void WriteStart(ReadOnlySpan<byte> header, long bodyLength)
    {
        Span<byte> first = stackalloc byte[FieldStart], second = stackalloc byte[FieldStart];
        var firstLength = WriteField(first, 2, header.Length);
        if (bodyLength > MaxBody)
        {
            throw new GristmillException(ErrorCodes.TooLarge, $"A record batch has {bodyLength} bytes; a message holds up to {MaxBody}.", "Write the table in smaller record batches.");
        }

        var secondLength = bodyLength == 0 ? 0 : WriteField(second, FlightWire.BodyField, (int)bodyLength);
        var length = firstLength + header.Length + secondLength + (int)bodyLength;

        var prefix = output.GetSpan(Prefix);
        prefix[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], (uint)length);
        output.Advance(Prefix);
        output.Write(first[..firstLength]);
        output.Write(header);
        output.Write(second[..secondLength]);
    }

    private static int WriteField(Span<byte> target, int field, int length)
    {
        var at = WriteVarint(target, ((uint)field << 3) | 2);
        return at + WriteVarint(target[at..], (uint)length);
    }

    private static int WriteVarint(Span<byte> target, uint value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7)
        {
            target[at++] = (byte)(value | 0x80);
        }

        target[at++] = (byte)value;
        return at;
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        var flushed = await output.FlushAsync(cancellationToken);
        if (flushed.IsCompleted || flushed.IsCanceled)
        {
            throw new OperationCanceledException("The receiver has left.");
        }
    }
}
