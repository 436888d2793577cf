using System.Text;

namespace Gristmill.Data.Sources.Avro;

/// <summary>The head of a container file: magic, metadata, and the sixteen bytes that end each block.</summary>
/// <param name="Columns">The columns, in the order of the file.</param>
/// <param name="Codec">How blocks are packed.</param>
/// <param name="Sync">What ends a block.</param>
internal sealed record AvroHeader(IReadOnlyList<(string Name, AvroType Type)> Columns, AvroCodec Codec, byte[] Sync)
{
    public const int SyncBytes = 16;

    /// <summary>Bytes of the longest value of the metadata, which is the schema.</summary>
    private const int Longest = 16 << 20;

    private const int MostEntries = 10_000;

    public static ReadOnlySpan<byte> Magic => "Obj\u0001"u8;

    /// <summary>Reads it, and leaves the stream at the first block.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <exception cref="InvalidDataException">It is none.</exception>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>: it has a field of a type that no column has.</exception>
    public static AvroHeader Read(FileStream stream, string file)
    {
        Span<byte> magic = stackalloc byte[4];
        if (stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) < 4 || !magic.SequenceEqual(Magic))
        {
            throw new InvalidDataException("it does not begin as an Avro file does");
        }

        byte[]? schema = null;
        var codec = "null";
        var left = MostEntries;
        while (Number(stream) is not 0 and var count)
        {
            if (count < 0)
            {
                count = -count;
                Number(stream);
            }

            if (count < 0 || count > left)
            {
                throw new InvalidDataException(FormattableString.Invariant($"its head claims {count} entries"));
            }

            left -= (int)count;
            for (; count > 0; count--)
            {
                var key = Encoding.UTF8.GetString(Bytes(stream));
                var value = Bytes(stream);
                (schema, codec) = key switch
                {
                    "avro.schema" => (value, codec),
                    "avro.codec" => (schema, Encoding.UTF8.GetString(value)),
                    _ => (schema, codec),
                };
            }
        }

        var sync = new byte[SyncBytes];
        if (stream.ReadAtLeast(sync, SyncBytes, throwOnEndOfStream: false) < SyncBytes)
        {
            throw CutOff();
        }

        return new AvroHeader(AvroSchemaParser.Parse(schema ?? throw new InvalidDataException("its head has no schema"), file), AvroCodec.Of(codec), sync);
    }

    /// <summary>A number of the file itself.</summary>
    public static long Number(FileStream stream)
    {
        Span<byte> bytes = stackalloc byte[10];
        for (var i = 0; i < bytes.Length; i++)
        {
            var next = stream.ReadByte();
            bytes[i] = next >= 0 ? (byte)next : throw CutOff();
            if (next < 0x80)
            {
                return new AvroCursor(bytes[..(i + 1)]).Long();
            }
        }

        return new AvroCursor(bytes).Long();
    }

    private static byte[] Bytes(FileStream stream)
    {
        var length = Number(stream);
        if (length is < 0 or > Longest || length > stream.Length - stream.Position)
        {
            throw new InvalidDataException(FormattableString.Invariant($"its head claims a value of {length} bytes"));
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static InvalidDataException CutOff() => new("it is cut off");
}
