using System.Buffers;
using System.Buffers.Binary;

namespace Gristmill.Data.Writing.Avro;

/// <summary>Rows in Avro's binary encoding, as they are written.</summary>
internal sealed class AvroBuffer : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(1 << 17);

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value) => Room(1)[0] = value;

    /// <summary>Seven bits a byte, the lowest first, the sign in the lowest bit.</summary>
    public void Long(long value)
    {
        var rest = (ulong)((value << 1) ^ (value >> 63));
        while (rest >= 0x80)
        {
            Byte((byte)(rest | 0x80));
            rest >>= 7;
        }

        Byte((byte)rest);
    }

    public void Float(float value) => BinaryPrimitives.WriteSingleLittleEndian(Room(4), value);

    public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Room(8), value);

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Room(bytes.Length));

    /// <summary>Text or bytes, behind their length.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Long(bytes.Length);
        Raw(bytes);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _bytes, []));

    private Span<byte> Room(int bytes)
    {
        if (bytes > _bytes.Length - Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(Length + bytes, _bytes.Length * 2)));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        Length += bytes;
        return _bytes.AsSpan(Length - bytes, bytes);
    }
}
