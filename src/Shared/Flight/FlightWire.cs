using Google.Protobuf;
using Grpc.Core;

namespace Gristmill.Flight;

/// <summary>
/// Reads and writes the small messages of Arrow Flight and Flight SQL. Those that carry tables are not among them: their bodies go between the
/// connection and the segment without being gathered.
/// </summary>
internal static class FlightWire
{
    /// <summary>The name of the service.</summary>
    public const string Service = "arrow.flight.protocol.FlightService";

    /// <summary>The field of a FlightData message that holds the body: its number says it comes last.</summary>
    public const int BodyField = 1000;

    private const string SqlPrefix = "type.googleapis.com/arrow.flight.protocol.sql.";

    /// <summary>A marshaller for gRPC.</summary>
    public static Marshaller<T> Marshaller<T>(Action<T, CodedOutputStream> write, Func<byte[], T> read) =>
        Marshallers.Create(value => Write(output => write(value, output)), read);

    /// <summary>The bytes of a message.</summary>
    public static byte[] Write(Action<CodedOutputStream> write)
    {
        using var buffer = new MemoryStream();
        using (var output = new CodedOutputStream(buffer, leaveOpen: true))
        {
            write(output);
        }

        return buffer.ToArray();
    }

    /// <summary>Reads a message field by field; what the visitor does not take is passed over, as newer peers may send more.</summary>
    /// <param name="bytes">The message.</param>
    /// <param name="name">Its name, for the error.</param>
    /// <param name="field">Told each field's number; says whether it read it. Fields of another wire type than bytes or varint are not told of.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is cut off or damaged.</exception>
    public static void Read(byte[] bytes, string name, Func<int, WireFormat.WireType, CodedInputStream, bool> field)
    {
        try
        {
            using var input = new CodedInputStream(bytes);
            while (input.ReadTag() is not 0 and var tag)
            {
                if (!field(WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag), input))
                {
                    input.SkipLastField();
                }
            }
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The {name} is not well formed: {e.Message}", "Send it as Arrow Flight specifies it.", e);
        }
    }

    public static void Bytes(CodedOutputStream output, int field, ReadOnlySpan<byte> value)
    {
        if (!value.IsEmpty)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(value));
        }
    }

    public static void Text(CodedOutputStream output, int field, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteString(value);
        }
    }

    /// <summary>Writes a number; 0, which readers assume, is left out.</summary>
    public static void Number(CodedOutputStream output, int field, long value)
    {
        if (value != 0)
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteInt64(value);
        }
    }

    /// <summary>A command of Flight SQL in its envelope.</summary>
    public static byte[] WriteCommand(string name, Action<CodedOutputStream> write)
    {
        var value = Write(write);
        return Write(output =>
        {
            Text(output, 1, SqlPrefix + name);
            Bytes(output, 2, value);
        });
    }

    /// <summary>The name and the bytes of a command of Flight SQL; null: the bytes are none, such as a text.</summary>
    public static (string Name, byte[] Value)? ReadCommand(byte[] bytes)
    {
        // A text never begins so: the envelope's first field is that of the type, and its first byte a line feed.
        if (bytes is not [0x0A, ..])
        {
            return null;
        }

        string type = "";
        byte[] value = [];
        try
        {
            Read(bytes, "command", (number, wire, input) =>
            {
                switch (number, wire)
                {
                    case (1, WireFormat.WireType.LengthDelimited):
                        type = input.ReadString();
                        return true;
                    case (2, WireFormat.WireType.LengthDelimited):
                        value = input.ReadBytes().ToByteArray();
                        return true;
                    default:
                        return false;
                }
            });
        }
        catch (GristmillException)
        {
            return null; // a text that begins with an empty line
        }

        return type.StartsWith(SqlPrefix, StringComparison.Ordinal) ? (type[SqlPrefix.Length..], value) : null;
    }
}
