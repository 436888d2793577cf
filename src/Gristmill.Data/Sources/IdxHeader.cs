using System.Buffers.Binary;
using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Sources;

/// <summary>The head of an IDX file: two zeros, the type of its numbers, how many dimensions, and the length of each (http://yann.lecun.com/exdb/mnist, as of 1998).</summary>
/// <param name="Type">The type of a number.</param>
/// <param name="Width">Bytes of a number, the highest first.</param>
/// <param name="Lengths">Length of each dimension; the first counts the items.</param>
internal sealed record IdxHeader(NumberType Type, int Width, IReadOnlyList<uint> Lengths)
{
    /// <summary>Bytes of the largest item: a row is in one block.</summary>
    private const long LargestItem = 256L << 20;

    public long Items => Lengths[0];

    /// <summary>Numbers of an item.</summary>
    public int ItemNumbers { get; } = Numbers(Width, Lengths);

    public int ItemBytes => ItemNumbers * Width;

    /// <summary>Bytes of the head itself.</summary>
    public int Bytes => 4 + (4 * Lengths.Count);

    /// <summary>One column: numbers, or lists of a fixed size with the lengths of an item in the metadata "shape".</summary>
    public Schema Schema
    {
        get
        {
            var column = Lengths.Count == 1
                ? new Field("value", Type, nullable: false)
                : new Field("value", new FixedSizeListType(new Field("item", Type, nullable: false), ItemNumbers), nullable: false,
                    [new KeyValuePair<string, string>("shape", string.Join(',', Lengths.Skip(1).Select(static length => length.ToString(CultureInfo.InvariantCulture))))]);
            return new Schema([column], null);
        }
    }

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static IdxHeader Read(Stream stream)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (stream.ReadAtLeast(bytes, 4, throwOnEndOfStream: false) < 4 || bytes[0] != 0 || bytes[1] != 0)
        {
            throw new InvalidDataException("it does not begin as an IDX file does");
        }

        var (type, width) = bytes[2] switch
        {
            0x08 => ((NumberType)UInt8Type.Default, 1),
            0x09 => (Int8Type.Default, 1),
            0x0B => (Int16Type.Default, 2),
            0x0C => (Int32Type.Default, 4),
            0x0D => (FloatType.Default, 4),
            0x0E => (DoubleType.Default, 8),
            var other => throw new InvalidDataException(FormattableString.Invariant($"its numbers are of the unknown type 0x{other:X2}")),
        };
        var lengths = new uint[bytes[3]];
        if (lengths.Length == 0)
        {
            throw new InvalidDataException("it has no dimension");
        }

        for (var i = 0; i < lengths.Length; i++)
        {
            if (stream.ReadAtLeast(bytes, 4, throwOnEndOfStream: false) < 4)
            {
                throw new InvalidDataException("its head is cut off");
            }

            lengths[i] = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        }

        return new IdxHeader(type, width, lengths);
    }

    private static int Numbers(int width, IReadOnlyList<uint> lengths)
    {
        var bytes = (long)width;
        for (var i = 1; i < lengths.Count; i++)
        {
            // Both are below 2^32, and the product so far below 2^28.
            bytes *= lengths[i];
            if (bytes is 0 or > LargestItem)
            {
                throw new InvalidDataException(bytes == 0 ? "its items are empty" : FormattableString.Invariant($"an item takes more than {LargestItem >> 20} MiB"));
            }
        }

        return (int)(bytes / width);
    }
}
