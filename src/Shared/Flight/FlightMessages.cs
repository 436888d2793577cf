using Google.Protobuf;
using Grpc.Core;
using static Google.Protobuf.WireFormat.WireType;

namespace Gristmill.Flight;

/// <summary>What a call is about: a path or a command.</summary>
/// <param name="Path">The path's parts; empty: it is a command.</param>
/// <param name="Command">The command's bytes: a SQL text, or a command of Flight SQL.</param>
internal sealed record FlightDescriptor(IReadOnlyList<string> Path, byte[] Command)
{
    public static readonly Marshaller<FlightDescriptor> Marshaller = FlightWire.Marshaller<FlightDescriptor>(static (value, output) => value.Write(output), Read);

    public static FlightDescriptor OfPath(params IReadOnlyList<string> path) => new(path, []);

    public static FlightDescriptor OfCommand(byte[] command) => new([], command);

    public static FlightDescriptor Read(byte[] bytes)
    {
        long kind = 0;
        byte[] command = [];
        var path = new List<string>();
        FlightWire.Read(bytes, "descriptor", (number, wire, input) =>
        {
            switch (number, wire)
            {
                case (1, Varint):
                    kind = input.ReadInt64();
                    return true;
                case (2, LengthDelimited):
                    command = input.ReadBytes().ToByteArray();
                    return true;
                case (3, LengthDelimited):
                    path.Add(input.ReadString());
                    return true;
                default:
                    return false;
            }
        });
        return kind switch
        {
            1 => new FlightDescriptor(path, []),
            2 => new FlightDescriptor([], command),
            _ => throw new GristmillException(ErrorCodes.Invalid, $"The descriptor's type is {kind}.", "Use 1 (a path) or 2 (a command)."),
        };
    }

    public byte[] ToArray() => FlightWire.Write(Write);

    public void Write(CodedOutputStream output)
    {
        FlightWire.Number(output, 1, Path.Count > 0 ? 1 : 2);
        FlightWire.Bytes(output, 2, Command);
        foreach (var part in Path)
        {
            output.WriteTag(3, LengthDelimited);
            output.WriteString(part);
        }
    }
}

/// <summary>Where a part of a flight is got.</summary>
/// <param name="Ticket">What to ask for it with.</param>
/// <param name="Expires">Until when it is there; null: nobody says.</param>
internal sealed record FlightEndpoint(byte[] Ticket, DateTimeOffset? Expires = null);

/// <summary>What is known of a table before it is got. Its parts may be got in parallel.</summary>
internal sealed record FlightInfo
{
    public static readonly Marshaller<FlightInfo> Marshaller = FlightWire.Marshaller<FlightInfo>(static (value, output) => value.Write(output), Read);

    /// <summary>The schema as an IPC message with its length prefix.</summary>
    public required byte[] Schema { get; init; }

    public required FlightDescriptor Descriptor { get; init; }

    public required IReadOnlyList<FlightEndpoint> Endpoints { get; init; }

    /// <summary>-1: unknown.</summary>
    public long Rows { get; init; } = -1;

    /// <summary>-1: unknown.</summary>
    public long Bytes { get; init; } = -1;

    private static FlightInfo Read(byte[] bytes)
    {
        byte[] schema = [];
        var descriptor = FlightDescriptor.OfCommand([]);
        var endpoints = new List<FlightEndpoint>();
        long rows = 0, size = 0;
        FlightWire.Read(bytes, "FlightInfo", (number, wire, input) =>
        {
            switch (number, wire)
            {
                case (1, LengthDelimited):
                    schema = input.ReadBytes().ToByteArray();
                    return true;
                case (2, LengthDelimited):
                    descriptor = FlightDescriptor.Read(input.ReadBytes().ToByteArray());
                    return true;
                case (3, LengthDelimited):
                    endpoints.Add(new FlightEndpoint(FirstField(input.ReadBytes().ToByteArray(), "FlightEndpoint", static ticket => FirstField(ticket, "Ticket"))));
                    return true;
                case (4, Varint):
                    rows = input.ReadInt64();
                    return true;
                case (5, Varint):
                    size = input.ReadInt64();
                    return true;
                default:
                    return false;
            }
        });
        return new FlightInfo { Schema = schema, Descriptor = descriptor, Endpoints = endpoints, Rows = rows, Bytes = size };
    }

    /// <summary>The bytes of a message's first field, which is all of it that matters here.</summary>
    public static byte[] FirstField(byte[] bytes, string name, Func<byte[], byte[]>? inner = null)
    {
        byte[] value = [];
        FlightWire.Read(bytes, name, (number, wire, input) =>
        {
            if ((number, wire) != (1, LengthDelimited))
            {
                return false;
            }

            value = input.ReadBytes().ToByteArray();
            return true;
        });
        return inner is null ? value : inner(value);
    }

    private void Write(CodedOutputStream output)
    {
        FlightWire.Bytes(output, 1, Schema);
        FlightWire.Bytes(output, 2, Descriptor.ToArray());
        foreach (var endpoint in Endpoints)
        {
            FlightWire.Bytes(output, 3, FlightWire.Write(part =>
            {
                FlightWire.Bytes(part, 1, FlightWire.Write(ticket => FlightWire.Bytes(ticket, 1, endpoint.Ticket)));
                if (endpoint.Expires is { } expires)
                {
                    FlightWire.Bytes(part, 3, FlightWire.Write(time => FlightWire.Number(time, 1, expires.ToUnixTimeSeconds())));
                }
            }));
        }

        FlightWire.Number(output, 4, Rows);
        FlightWire.Number(output, 5, Bytes);
    }
}

/// <summary>A message that is one field of bytes: Criteria, Ticket, SchemaResult, Result, PutResult.</summary>
internal sealed record FlightBytes(byte[] Value)
{
    public static readonly Marshaller<FlightBytes> Marshaller = FlightWire.Marshaller<FlightBytes>(
        static (value, output) => FlightWire.Bytes(output, 1, value.Value), static bytes => new FlightBytes(FlightInfo.FirstField(bytes, "message")));
}

/// <summary>Something to do, or, with a description as body, that can be done: Action, ActionType.</summary>
internal sealed record FlightAction(string Type, byte[] Body)
{
    public static readonly Marshaller<FlightAction> Marshaller = FlightWire.Marshaller<FlightAction>(static (value, output) =>
    {
        FlightWire.Text(output, 1, value.Type);
        FlightWire.Bytes(output, 2, value.Body);
    }, static bytes =>
    {
        string type = "";
        byte[] body = [];
        FlightWire.Read(bytes, "action", (number, wire, input) =>
        {
            switch (number, wire)
            {
                case (1, LengthDelimited):
                    type = input.ReadString();
                    return true;
                case (2, LengthDelimited):
                    body = input.ReadBytes().ToByteArray();
                    return true;
                default:
                    return false;
            }
        });
        return new FlightAction(type, body);
    });
}
