using System.Buffers.Binary;
using System.Text;

namespace Gristmill.Objects.Ipc;

/// <summary>
/// Writes a flatbuffer front to back: a table first, what it points to after it, each offset patched when its target
/// starts. Deterministic, so equal content gives equal bytes.
/// </summary>
internal sealed class FlatWriter
{
    private byte[] _bytes = new byte[512];
    private int _length;

    public FlatWriter() => _length = 4; // the root offset

    /// <summary>One inline value of a table; offsets are 4 bytes patched later.</summary>
    public readonly record struct Slot(int Index, int Size, long Value)
    {
        public static Slot Offset(int index) => new(index, 4, 0);
    }

    public byte[] ToArray()
    {
        Align(8, 0);
        return _bytes.AsSpan(0, _length).ToArray();
    }

    /// <summary>Writes a table and returns the positions of its slots, in the order given.</summary>
    public int[] Table(params ReadOnlySpan<Slot> slots)
    {
        int fields = 0;
        foreach (var slot in slots)
        {
            fields = Math.Max(fields, slot.Index + 1);
        }

        // The table starts 4 before a multiple of 8, so that after its vtable offset 8-byte values come first, aligned.
        int vtableSize = 4 + 2 * fields;
        Align(8, (8 + 4 - vtableSize % 8) % 8);
        int vtable = Extend(vtableSize);
        int table = Extend(4);
        WriteI32(table, table - vtable);
        var positions = new int[slots.Length];
        for (int size = 8; size > 0; size >>= 1)
        {
            for (int i = 0; i < slots.Length; i++)
            {
                if (slots[i].Size == size)
                {
                    positions[i] = Extend(size);
                    WriteValue(positions[i], size, slots[i].Value);
                    WriteValue(vtable + 4 + 2 * slots[i].Index, 2, positions[i] - table);
                }
            }
        }

        WriteValue(vtable, 2, vtableSize);
        WriteValue(vtable + 2, 2, _length - table);
        LastTable = table;
        return positions;
    }

    /// <summary>Where the table written last starts.</summary>
    public int LastTable { get; private set; }

    public void Root(int table) => WriteI32(0, table);

    /// <summary>Points an offset slot at a target behind it.</summary>
    public void Patch(int slot, int target) => WriteI32(slot, target - slot);

    public void Text(int slot, string value)
    {
        int count = Encoding.UTF8.GetByteCount(value);
        int start = Vector(slot, count, 1, 4);
        Encoding.UTF8.GetBytes(value, _bytes.AsSpan(start, count));
        Extend(1); // strings end with a zero byte
    }

    /// <summary>A vector of offsets; returns the position of each.</summary>
    public int Offsets(int slot, int count) => Vector(slot, count, 4, 4);

    /// <summary>A vector of zeroed elements; returns the position of the first.</summary>
    public int Vector(int slot, int count, int elementSize, int alignment)
    {
        Align(alignment, alignment == 8 ? 4 : 0);
        Patch(slot, _length);
        WriteI32(Extend(4), count);
        return Extend(checked(count * elementSize));
    }

    public void WriteI32(int position, int value) => BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(position), value);

    public void WriteI64(int position, long value) => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(position), value);

    private void WriteValue(int position, int size, long value)
    {
        for (int i = 0; i < size; i++)
        {
            _bytes[position + i] = (byte)(value >> (8 * i));
        }
    }

    private void Align(int alignment, int remainder)
    {
        while (_length % alignment != remainder)
        {
            Extend(1);
        }
    }

    private int Extend(int count)
    {
        int start = _length;
        if (start + count > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, start + count));
        }

        _length += count;
        return start;
    }
}
