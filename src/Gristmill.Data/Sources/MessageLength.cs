using System.Buffers.Binary;

namespace Gristmill.Data.Sources;

/// <summary>Reads how long the body of an IPC message is, which is all that is needed before its body is read (Arrow's Message.fbs, field bodyLength).</summary>
internal static class MessageLength
{
    private const int BodyLengthSlot = 4 + (2 * 3);

    public static long Of(ReadOnlySpan<byte> header)
    {
        if (header.Length < 8 || BinaryPrimitives.ReadUInt32LittleEndian(header) is var table && table > header.Length - 4)
        {
            throw Malformed();
        }

        var virtualTable = (int)table - (long)BinaryPrimitives.ReadInt32LittleEndian(header[(int)table..]);
        if (virtualTable < 0 || virtualTable > header.Length - 4)
        {
            throw Malformed();
        }

        var fields = header[(int)virtualTable..];
        if (BinaryPrimitives.ReadUInt16LittleEndian(fields) < BodyLengthSlot + 2 || fields.Length < BodyLengthSlot + 2)
        {
            return 0;
        }

        var offset = BinaryPrimitives.ReadUInt16LittleEndian(fields[BodyLengthSlot..]);
        return offset == 0 ? 0
            : table + offset > header.Length - 8 ? throw Malformed()
            : BinaryPrimitives.ReadInt64LittleEndian(header[(int)(table + offset)..]);
    }

    private static InvalidDataException Malformed() => new("a message is malformed");
}
