using System.Buffers;
using System.Text;

namespace Gristmill.Engines.Export;

/// <summary>The part of protobuf's wire format that ONNX files need (protobuf.dev/programming-guides/encoding).</summary>
internal sealed class ProtobufWriter
{
    private const int LengthDelimited = 2;
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>What was written so far.</summary>
    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public void Number(int field, long value)
    {
        Varint((ulong)field << 3);
        Varint((ulong)value);
    }

    /// <summary>A packed list.</summary>
    public void Numbers(int field, ReadOnlySpan<long> values)
    {
        var packed = new ProtobufWriter();
        foreach (var value in values)
        {
            packed.Varint((ulong)value);
        }

        Message(field, packed);
    }

    public void Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public void Message(int field, ProtobufWriter message) => Bytes(field, message.Written);

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint(((ulong)field << 3) | LengthDelimited);
        Varint((ulong)value.Length);
        _bytes.Write(value);
    }

    /// <summary>The fields of another writer, as they are.</summary>
    public void Append(ProtobufWriter fields) => _bytes.Write(fields.Written);

    private void Varint(ulong value)
    {
        var span = _bytes.GetSpan(10);
        var count = 0;
        for (; value >= 0x80; value >>= 7)
        {
            span[count++] = (byte)(value | 0x80);
        }

        span[count++] = (byte)value;
        _bytes.Advance(count);
    }
}
