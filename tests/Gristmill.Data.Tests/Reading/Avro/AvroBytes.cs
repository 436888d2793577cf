using System.Text;

namespace Gristmill.Data.Tests.Reading.Avro;

/// <summary>Makes Avro files byte by byte, right and wrong ones.</summary>
internal static class AvroBytes
{
    public static readonly byte[] Sync = [.. Enumerable.Range(100, 16).Select(static i => (byte)i)];

    /// <summary>A number, as Avro has it.</summary>
    public static byte[] Long(long value)
    {
        var bytes = new List<byte>();
        var rest = (ulong)((value << 1) ^ (value >> 63));
        for (; rest >= 0x80; rest >>= 7)
        {
            bytes.Add((byte)(rest | 0x80));
        }

        return [.. bytes, (byte)rest];
    }

    public static byte[] Bytes(byte[] value) => [.. Long(value.Length), .. value];

    public static byte[] Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    public static byte[] Head(string schema, string? codec = null) =>
    [
        .. "Obj\u0001"u8, .. Long(codec is null ? 1 : 2), .. Text("avro.schema"), .. Text(schema), .. codec is null ? [] : (byte[])[.. Text("avro.codec"), .. Text(codec)], 0, .. Sync,
    ];

    public static byte[] Block(long rows, byte[] data) => [.. Long(rows), .. Bytes(data), .. Sync];

    /// <summary>A file of one field x.</summary>
    /// <param name="type">Its type, as JSON.</param>
    /// <param name="rows">How many rows there are said to be.</param>
    /// <param name="data">The rows.</param>
    public static byte[] File(string type, long rows, params byte[] data) => [.. Head(Record(type)), .. Block(rows, data)];

    /// <summary>A record of one field x.</summary>
    public static string Record(string type) => $$"""{"type":"record","name":"r","fields":[{"name":"x","type":{{type}}}]}""";
}
