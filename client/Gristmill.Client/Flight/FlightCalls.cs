using System.Buffers;
using Gristmill.Flight;
using Gristmill.Objects;
using Grpc.Core;

namespace Gristmill.Client;

/// <summary>The methods of Arrow's Flight service, as a client calls them.</summary>
internal static class FlightCalls
{
    public static readonly Method<FlightBytes, FlightInfo> List = Of(MethodType.ServerStreaming, "ListFlights", FlightBytes.Marshaller, FlightInfo.Marshaller);
    public static readonly Method<FlightDescriptor, FlightInfo> Info = Of(MethodType.Unary, "GetFlightInfo", FlightDescriptor.Marshaller, FlightInfo.Marshaller);
    public static readonly Method<FlightBytes, FlightFrame> Get = Of(MethodType.ServerStreaming, "DoGet", FlightBytes.Marshaller, FlightFrame.Marshaller);
    public static readonly Method<FlightFrame, FlightBytes> Put = Of(MethodType.DuplexStreaming, "DoPut", FlightFrame.Marshaller, FlightBytes.Marshaller);
    public static readonly Method<FlightAction, FlightBytes> Act = Of(MethodType.ServerStreaming, "DoAction", FlightAction.Marshaller, FlightBytes.Marshaller);

    private static Method<TRequest, TResponse> Of<TRequest, TResponse>(MethodType type, string name, Marshaller<TRequest> request, Marshaller<TResponse> response) =>
        new(type, FlightWire.Service, name, request, response);
}

/// <summary>A message of a table with its way over the wire: FlightData.</summary>
/// <param name="Message">Header and body.</param>
/// <param name="Descriptor">What the stream is about; only in the first one of a stream to the server.</param>
internal sealed record FlightFrame(ArrowMessage Message, FlightDescriptor? Descriptor = null)
{
    private const int FieldStart = 10;

    public static readonly Marshaller<FlightFrame> Marshaller = Marshallers.Create<FlightFrame>(static (frame, context) => frame.Write(context), Read);

    private void Write(SerializationContext context)
    {
        var descriptor = Descriptor?.ToArray() ?? [];
        Span<byte> first = stackalloc byte[FieldStart], second = stackalloc byte[FieldStart], third = stackalloc byte[FieldStart];
        first = first[..Start(first, 1, descriptor.Length)];
        second = second[..Start(second, 2, Message.Header.Length)];
        third = third[..Start(third, FlightWire.BodyField, Message.Body.Length)];
        context.SetPayloadLength(checked(first.Length + descriptor.Length + second.Length + Message.Header.Length + third.Length + Message.Body.Length));
        var output = context.GetBufferWriter();
        output.Write(first);
        output.Write(descriptor);
        output.Write(second);
        output.Write(Message.Header.Span);
        output.Write(third);
        output.Write(Message.Body.Span);
        context.Complete();
    }

    private static FlightFrame Read(DeserializationContext context)
    {
        var reader = new SequenceReader<byte>(context.PayloadAsReadOnlySequence());
        byte[] header = [], body = [];
        while (!reader.End)
        {
            var tag = Varint(ref reader);
            switch (tag & 7)
            {
                case 0:
                    Varint(ref reader);
                    continue;
                case 2:
                    break;
                default:
                    throw Damaged();
            }

            var length = Varint(ref reader);
            if (length > (ulong)reader.Remaining || length > int.MaxValue)
            {
                throw Damaged();
            }

            switch (tag >> 3)
            {
                case 2:
                    reader.TryCopyTo(header = new byte[length]);
                    break;
                case FlightWire.BodyField:
                    reader.TryCopyTo(body = GC.AllocateUninitializedArray<byte>((int)length));
                    break;
            }

            reader.Advance((long)length);
        }

        return new FlightFrame(new ArrowMessage(header, body));
    }

    private static int Start(Span<byte> target, int field, int length)
    {
        if (length == 0)
        {
            return 0;
        }

        var at = Varint(target, ((uint)field << 3) | 2);
        return at + Varint(target[at..], (uint)length);
    }

    private static int Varint(Span<byte> target, uint value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7)
        {
            target[at++] = (byte)(value | 0x80);
        }

        target[at++] = (byte)value;
        return at;
    }

    private static ulong Varint(ref SequenceReader<byte> reader)
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (!reader.TryRead(out var part))
            {
                break;
            }

            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw Damaged();
    }

    private static GristmillException Damaged() => new(ErrorCodes.Corrupt, "The server sent what is no FlightData.", "Is this a Flight server?");
}
