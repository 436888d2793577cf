using System.Buffers.Binary;

namespace Gristmill.Objects.Transfer;

/// <summary>
/// What hosts say to each other to move an object's bytes, over TCP. The reader sends the magic number and a ticket, and is answered by a byte: 1, or 0 and
/// the end. It then asks for ranges, each answered by exactly its bytes; it may ask for the next before it has read the last, and hangs up when it has all.
/// </summary>
internal static class TransferProtocol
{
    public const int TicketBytes = 16;
    public const int HelloBytes = 4 + TicketBytes;
    public const int RangeBytes = 12;

    /// <summary>Of a piece that a reader asks for. One of this size stays in a core's cache between the socket, the file and the checksum.</summary>
    public const int Piece = 1 << 20;

    private const uint Magic = 0x31_4d_52_47; // "GRM1"

    public static byte[] Hello(string ticket)
    {
        byte[] hello = new byte[HelloBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(hello, Magic);
        Convert.FromHexString(ticket).CopyTo(hello, 4);
        return hello;
    }

    /// <summary>The ticket of a hello; null: it is none.</summary>
    public static string? TicketOf(ReadOnlySpan<byte> hello) =>
        BinaryPrimitives.ReadUInt32LittleEndian(hello) == Magic ? Convert.ToHexStringLower(hello[4..]) : null;

    public static void WriteRange(Span<byte> into, long position, int length)
    {
        BinaryPrimitives.WriteInt64LittleEndian(into, position);
        BinaryPrimitives.WriteInt32LittleEndian(into[8..], length);
    }

    public static (long Position, int Length) ReadRange(ReadOnlySpan<byte> from) =>
        (BinaryPrimitives.ReadInt64LittleEndian(from), BinaryPrimitives.ReadInt32LittleEndian(from[8..]));
}
