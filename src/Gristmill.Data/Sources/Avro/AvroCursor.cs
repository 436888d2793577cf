using System.Buffers.Binary;

namespace Gristmill.Data.Sources.Avro;

/// <summary>Reads values of Avro's binary encoding. Nothing is believed: each length is held against what is there.</summary>
internal ref struct AvroCursor(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes that are read.</summary>
    public int Position { get; private set; }

    public readonly int Rest => _bytes.Length - Position;

    public ReadOnlySpan<byte> Take(long count)
    {
        if ((ulong)count > (ulong)Rest)
        {
            throw new InvalidDataException(FormattableString.Invariant($"a value claims {count} bytes, and {Rest} are left"));
        }

        var taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    /// <summary>Text or bytes: a length, and as many bytes.</summary>
    public ReadOnlySpan<byte> Bytes() => Take(Long());

    public byte Byte() => Take(1)[0];

    public float Float() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    public int Int() => Long() is >= int.MinValue and <= int.MaxValue and var number ? (int)number : throw new InvalidDataException("an int has more than 32 bits");

    /// <summary>Seven bits a byte, the lowest first, the sign in the lowest bit.</summary>
    public long Long()
    {
        if (Position < _bytes.Length && _bytes[Position] < 0x80)
        {
            return Turn(_bytes[Position++]);
        }

        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (Position == _bytes.Length)
            {
                throw new InvalidDataException("a number is cut off");
            }

            var next = _bytes[Position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return shift < 63 || next < 2 ? Turn(value) : throw TooLong();
            }
        }

        throw TooLong();
    }

    private static long Turn(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private static InvalidDataException TooLong() => new("a number has more than 64 bits");
}
