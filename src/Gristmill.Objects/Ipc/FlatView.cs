using System.Buffers.Binary;
using System.Text;

namespace Gristmill.Objects.Ipc;

/// <summary>
/// Reads one flatbuffer with every access checked against its end. Positions are offsets into the buffer; field and
/// vector positions of 0 mean "absent", as no table can start there.
/// </summary>
internal readonly ref struct FlatView(ReadOnlySpan<byte> bytes)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Length => _bytes.Length;

    public int Root() => Follow(0, "root table");

    public byte U8(int position) => Slice(position, 1)[0];

    public short I16(int position) => BinaryPrimitives.ReadInt16LittleEndian(Slice(position, 2));

    public int I32(int position) => BinaryPrimitives.ReadInt32LittleEndian(Slice(position, 4));

    public long I64(int position) => BinaryPrimitives.ReadInt64LittleEndian(Slice(position, 8));

    /// <summary>The position of a field's inline value, or 0 if the table does not hold it.</summary>
    public int Field(int table, int index)
    {
        long vtable = (long)table - I32(table);
        if (vtable < 0 || vtable > _bytes.Length - 4)
        {
            Malformed.Throw("a flatbuffer vtable lies outside its buffer");
        }

        int size = (ushort)I16((int)vtable);
        int entry = 4 + 2 * index;
        if (entry + 2 > size)
        {
            return 0;
        }

        int offset = (ushort)I16((int)vtable + entry);
        return offset == 0 ? 0 : table + offset;
    }

    public byte U8(int table, int index, byte otherwise) => Field(table, index) is var at && at == 0 ? otherwise : U8(at);

    public short I16(int table, int index, short otherwise) => Field(table, index) is var at && at == 0 ? otherwise : I16(at);

    public int I32(int table, int index, int otherwise) => Field(table, index) is var at && at == 0 ? otherwise : I32(at);

    public long I64(int table, int index, long otherwise) => Field(table, index) is var at && at == 0 ? otherwise : I64(at);

    /// <summary>The position of a sub-table, or 0.</summary>
    public int Table(int table, int index, string name) =>
        Field(table, index) is var at && at == 0 ? 0 : Follow(at, name);

    /// <summary>The position of a vector's first element and its length, checked to fit the buffer; (0, 0) if absent.</summary>
    public (int Start, int Count) Vector(int table, int index, int elementSize, string name)
    {
        int at = Field(table, index);
        if (at == 0)
        {
            return (0, 0);
        }

        int vector = Follow(at, name);
        int count = I32(vector);
        if (count < 0 || (long)vector + 4 + (long)count * elementSize > _bytes.Length)
        {
            Malformed.Throw($"{name} claims {count} elements, more than its buffer holds");
        }

        return (vector + 4, count);
    }

    /// <summary>The table an element of a vector of offsets points to.</summary>
    public int Element(int start, int index, string name) => Follow(start + 4 * index, name);

    /// <summary>The bytes of a string field; empty if absent.</summary>
    public ReadOnlySpan<byte> Utf8(int table, int index, string name)
    {
        var (start, count) = Vector(table, index, 1, name);
        return _bytes.Slice(start, count);
    }

    /// <summary>A string field; null if absent. Its length is charged to the budget, since offsets may share one string.</summary>
    public string? Text(int table, int index, string name, ref long budget)
    {
        var (start, count) = Vector(table, index, 1, name);
        if (start == 0)
        {
            return null;
        }

        if ((budget -= count) < 0)
        {
            Malformed.Throw("strings are shared so often that they exceed the metadata many times over");
        }

        try
        {
            return StrictUtf8.GetString(_bytes.Slice(start, count));
        }
        catch (DecoderFallbackException)
        {
            throw Malformed.Because($"{name} is not UTF-8");
        }
    }

    private int Follow(int position, string name)
    {
        uint offset = (uint)I32(position);
        long target = position + (long)offset;
        if (offset == 0 || target > _bytes.Length - 4)
        {
            Malformed.Throw($"the offset of {name} leaves its buffer");
        }

        return (int)target;
    }

    private ReadOnlySpan<byte> Slice(int position, int count)
    {
        if ((uint)position > (uint)_bytes.Length || _bytes.Length - position < count)
        {
            Malformed.Throw("a flatbuffer value lies outside its buffer");
        }

        return _bytes.Slice(position, count);
    }
}
