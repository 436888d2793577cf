using System.Buffers;
using System.Text;

namespace Gristmill.Hosting;

/// <summary>What a ticket asks for: an object ("o" and its id), the parts of a stream ("s" and its id), or the rows of a command of Flight SQL ("c" and the command).</summary>
internal static class FlightTicket
{
    private const byte Object = (byte)'o', Stream = (byte)'s', Command = (byte)'c';

    /// <summary>Commands name a few patterns; nothing longer is worth reading.</summary>
    private const int MaxBytes = 64 << 10;

    private const int IdLength = 32;

    private static readonly SearchValues<byte> s_idCharacters = SearchValues.Create("0123456789abcdef"u8);

    public static byte[] OfObject(string id) => [Object, .. Encoding.ASCII.GetBytes(id)];

    public static byte[] OfStream(string id) => [Stream, .. Encoding.ASCII.GetBytes(id)];

    public static byte[] OfCommand(byte[] command) => [Command, .. command];

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is not one that was given out here.</exception>
    public static (string? Object, string? Stream, byte[]? Command) Read(byte[] ticket) => ticket switch
    {
        { Length: > MaxBytes } => throw Unknown($"of {ticket.Length} bytes"),
        [Object, .. var id] when IsId(id) => (Encoding.ASCII.GetString(id), null, null),
        [Stream, .. var id] when IsId(id) => (null, Encoding.ASCII.GetString(id), null),
        [Command, .. var command] => (null, null, command),
        _ => throw Unknown(ticket.Length == 0 ? "without content" : $"that begins with 0x{Convert.ToHexString(ticket.AsSpan(0, Math.Min(16, ticket.Length)))}"),
    };

    private static bool IsId(byte[] id) => id.Length == IdLength && !id.AsSpan().ContainsAnyExcept(s_idCharacters);

    private static GristmillException Unknown(string what) => new(ErrorCodes.Invalid, $"A ticket {what} is none of this server's.", "Use the ticket of an endpoint that GetFlightInfo or ListFlights has told.");
}
