using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Interop;

/// <summary>A column of the block that is being made, written value by value, row after row.</summary>
internal abstract unsafe class ColumnBuilder(IArrowType type)
{
    /// <summary>Bytes of a block from which on lists grow no more.</summary>
    private const long LargestGrown = 256L << 20;

    private Memory<byte> _validity;
    private byte* _bits;
    private int _nulls;
    private int _capacity;

    public IArrowType Type { get; } = type;

    protected BlockMemory Memory { get; private set; } = null!;

    /// <summary>Begins a block of so many rows at most.</summary>
    public void Begin(BlockMemory memory, int capacity)
    {
        (Memory, _capacity, _nulls, _validity) = (memory, capacity, 0, default);
        _bits = null;
        Reserve(capacity);
    }

    /// <summary>Makes room for so many rows, where nobody knew beforehand how many come: items of lists.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.BadValue"/>: the block is larger than 256 MiB.</exception>
    public void Grow(int rows)
    {
        if (rows <= _capacity)
        {
            return;
        }

        if (Memory.Bytes > LargestGrown)
        {
            throw new GristmillException(ErrorCodes.BadValue, "The lists of one block take more than 256 MiB.", "Make shorter lists.");
        }

        _capacity = Math.Max(rows, checked(_capacity * 2));
        if (_bits is not null)
        {
            var known = _validity.Length;
            _validity = Larger(_validity, (_capacity + 7) / 8);
            _validity.Span[known..].Fill(0xFF);
            _bits = Address(_validity);
        }

        Enlarge(_capacity);
    }

    /// <summary>Says that a row has no value.</summary>
    public void SetNull(int row)
    {
        if (_bits is null)
        {
            _validity = Memory.AllocateUninitialized(Math.Max(1, (_capacity + 7) / 8));
            _validity.Span.Fill(0xFF);
            _bits = Address(_validity);
        }

        _bits[row >> 3] &= (byte)~(1 << (row & 7));
        _nulls++;
        Clear(row);
    }

    public IArrowArray Build(int rows)
    {
        var validity = _nulls == 0 ? ArrowBuffer.Empty : new ArrowBuffer(_validity[..((rows + 7) / 8)]);
        return ArrowArrayFactory.BuildArray(Finish(rows, _nulls, validity));
    }

    protected static byte* Address(Memory<byte> memory) => memory.IsEmpty ? null : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(memory.Span));

    protected Memory<byte> Larger(Memory<byte> memory, int bytes)
    {
        var larger = Memory.AllocateUninitialized(bytes);
        memory.CopyTo(larger);
        return larger;
    }

    protected abstract void Reserve(int capacity);

    /// <summary>Makes room for more rows and keeps those that are there.</summary>
    protected abstract void Enlarge(int capacity);

    protected abstract void Clear(int row);

    protected abstract ArrayData Finish(int rows, int nulls, ArrowBuffer validity);
}

/// <summary>Numbers, dates and times.</summary>
internal sealed unsafe class FixedBuilder<T>(IArrowType type) : ColumnBuilder(type)
    where T : unmanaged
{
    private Memory<byte> _memory;
    private T* _values;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(int row, T value) => _values[row] = value;

    protected override void Reserve(int capacity)
    {
        _memory = Memory.AllocateUninitialized(checked(capacity * sizeof(T)));
        _values = (T*)Address(_memory);
    }

    protected override void Enlarge(int capacity)
    {
        _memory = Larger(_memory, checked(capacity * sizeof(T)));
        _values = (T*)Address(_memory);
    }

    protected override void Clear(int row) => _values[row] = default;

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity) =>
        new(Type, rows, nulls, 0, [validity, new ArrowBuffer(_memory[..(rows * sizeof(T))])], System.Array.Empty<ArrayData>());
}

/// <summary>A bit a value.</summary>
internal sealed unsafe class BitBuilder() : ColumnBuilder(BooleanType.Default)
{
    private Memory<byte> _memory;
    private byte* _bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Set(int row, bool value)
    {
        // The memory may hold anything: every bit is written.
        ref var at = ref _bits[row >> 3];
        var bit = (byte)(1 << (row & 7));
        at = (byte)(value ? at | bit : at & ~bit);
    }

    protected override void Reserve(int capacity)
    {
        _memory = Memory.AllocateUninitialized((capacity + 7) / 8);
        _bits = Address(_memory);
    }

    protected override void Enlarge(int capacity)
    {
        _memory = Larger(_memory, (capacity + 7) / 8);
        _bits = Address(_memory);
    }

    protected override void Clear(int row) => Set(row, false);

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity)
    {
        var bits = _memory[..((rows + 7) / 8)];
        if ((rows & 7) != 0)
        {
            bits.Span[^1] &= (byte)((1 << (rows & 7)) - 1);
        }

        return new(Type, rows, nulls, 0, [validity, new ArrowBuffer(bits)], System.Array.Empty<ArrayData>());
    }
}

/// <summary>Text and bytes. Values are appended, so rows are set in order, each once.</summary>
internal sealed unsafe class BytesBuilder(IArrowType type) : ColumnBuilder(type)
{
    private const int Cached = 16;
    private const int Slots = 256;
    private Memory<byte> _offsetMemory;
    private Memory<byte> _memory;
    private byte* _data;
    private int* _offsets;
    private int _length;
    private Encoded[]? _encoded;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Set(int row, string value)
    {
        if (value.Length is > 0 and <= Cached)
        {
            SetShort(row, value);
            return;
        }

        var room = Room(value.Length * 3L);
        _length += Encoding.UTF8.GetBytes(value, room);
        _offsets[row + 1] = _length;
    }

    public void Set(int row, byte[] value) => Set(row, value.AsSpan());

    public void Set(int row, ReadOnlySpan<byte> value)
    {
        value.CopyTo(Room(value.Length));
        _length += value.Length;
        _offsets[row + 1] = _length;
    }

    protected override void Reserve(int capacity)
    {
        _offsetMemory = Memory.AllocateUninitialized(checked((capacity + 1) * sizeof(int)));
        _offsets = (int*)Address(_offsetMemory);
        _offsets[0] = 0;
        _memory = Memory.AllocateUninitialized(Math.Max(64, capacity * 8));
        _data = Address(_memory);
        _length = 0;
    }

    protected override void Enlarge(int capacity)
    {
        _offsetMemory = Larger(_offsetMemory, checked((capacity + 1) * sizeof(int)));
        _offsets = (int*)Address(_offsetMemory);
    }

    protected override void Clear(int row) => _offsets[row + 1] = _length;

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity) => new(Type, rows, nulls, 0,
        [validity, new ArrowBuffer(_offsetMemory[..((rows + 1) * sizeof(int))]), new ArrowBuffer(_memory[.._length])], System.Array.Empty<ArrayData>());

    /// <summary>A string that was written lately is written again by its bytes: a column of a few names is not encoded row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SetShort(int row, string value)
    {
        var slot = ((value[0] * 31) + (value[value.Length >> 1] * 7) + value[^1]) & (Slots - 1);
        ref var entry = ref (_encoded ??= new Encoded[Slots])[slot];
        var room = Room(Cached);
        if (!ReferenceEquals(entry.Text, value))
        {
            Span<byte> bytes = stackalloc byte[3 * Cached];
            var length = Encoding.UTF8.GetBytes(value, bytes);
            if (length > Cached)
            {
                Set(row, bytes[..length]);
                return;
            }

            entry = new Encoded(value, length, MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[8..]));
        }

        MemoryMarshal.Write(room, entry.Low);
        MemoryMarshal.Write(room[8..], entry.High);
        _length += entry.Length;
        _offsets[row + 1] = _length;
    }

    private Span<byte> Room(long bytes)
    {
        if (bytes > _memory.Length - _length)
        {
            var wanted = Math.Max(_length + bytes, _memory.Length * 2L);
            if (wanted > System.Array.MaxLength)
            {
                throw new GristmillException(ErrorCodes.BadValue, "The text of one block is larger than 2 GiB.", "Make shorter texts.");
            }

            _memory = Larger(_memory[.._length], (int)wanted);
            _data = Address(_memory);
        }

        return new Span<byte>(_data + _length, _memory.Length - _length);
    }

    private readonly record struct Encoded(string Text, int Length, ulong Low, ulong High);
}

/// <summary>Arrays of numbers as lists.</summary>
internal sealed unsafe class ListBuilder<T>(ListType type) : ColumnBuilder(type)
    where T : unmanaged
{
    private readonly BytesBuilder _bytes = new(BinaryType.Default);
    private readonly ListType _type = type;

    public void Set(int row, T[] value) => _bytes.Set(row, MemoryMarshal.AsBytes(value.AsSpan()));

    protected override void Reserve(int capacity) => _bytes.Begin(Memory, capacity);

    protected override void Enlarge(int capacity) => _bytes.Grow(capacity);

    protected override void Clear(int row) => _bytes.SetNull(row);

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity)
    {
        var bytes = _bytes.Build(rows).Data;
        // Offsets of bytes are turned into those of items where they lie.
        var offsets = MemoryMarshal.Cast<byte, int>(MemoryMarshal.AsMemory(bytes.Buffers[1].Memory).Span);
        for (var i = 0; i < offsets.Length; i++)
        {
            offsets[i] /= sizeof(T);
        }

        var items = new ArrayData(_type.ValueDataType, bytes.Buffers[2].Length / sizeof(T), 0, 0, [ArrowBuffer.Empty, bytes.Buffers[2]], System.Array.Empty<ArrayData>());
        return new(Type, rows, nulls, 0, [validity, bytes.Buffers[1]], [items]);
    }
}
