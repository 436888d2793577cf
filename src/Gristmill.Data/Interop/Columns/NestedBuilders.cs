using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Interop;

/// <summary>Lists and maps of anything: the items are written to a builder of their own, one behind the other.</summary>
/// <param name="type">A list, or a map.</param>
/// <param name="items">Of the items; of a map, structs of key and value.</param>
/// <param name="likely">Items that room is made for at first.</param>
internal sealed unsafe class ItemsBuilder(NestedType type, ColumnBuilder items, int likely) : ColumnBuilder(type)
{
    private Memory<byte> _memory;
    private int* _offsets;
    private int _count;

    /// <summary>Begins an item of the list that is being written.</summary>
    /// <returns>Its row among the items.</returns>
    public int Add()
    {
        items.Grow(_count + 1);
        return _count++;
    }

    /// <summary>Ends a list; what was added since the one before is in it.</summary>
    public void Set(int row) => _offsets[row + 1] = _count;

    protected override void Reserve(int capacity)
    {
        _memory = Memory.AllocateUninitialized(checked((capacity + 1) * sizeof(int)));
        _offsets = (int*)Address(_memory);
        _offsets[0] = _count = 0;
        items.Begin(Memory, likely);
    }

    protected override void Enlarge(int capacity)
    {
        _memory = Larger(_memory, checked((capacity + 1) * sizeof(int)));
        _offsets = (int*)Address(_memory);
    }

    protected override void Clear(int row) => Set(row);

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity) =>
        new(Type, rows, nulls, 0, [validity, new ArrowBuffer(_memory[..((rows + 1) * sizeof(int))])], [items.Build(_count).Data]);
}

/// <summary>Structs: each row is set in every field.</summary>
internal sealed class StructBuilder(StructType type, IReadOnlyList<ColumnBuilder> fields) : ColumnBuilder(type)
{
    protected override void Reserve(int capacity)
    {
        foreach (var field in fields)
        {
            field.Begin(Memory, capacity);
        }
    }

    protected override void Enlarge(int capacity)
    {
        foreach (var field in fields)
        {
            field.Grow(capacity);
        }
    }

    protected override void Clear(int row)
    {
        foreach (var field in fields)
        {
            field.SetNull(row);
        }
    }

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity) => new(Type, rows, nulls, 0, [validity], [.. fields.Select(field => field.Build(rows).Data)]);
}

/// <summary>Bytes of one length.</summary>
internal sealed class FixedBytesBuilder(FixedSizeBinaryType type) : ColumnBuilder(type)
{
    private readonly int _width = type.ByteWidth;
    private Memory<byte> _memory;

    public void Set(int row, ReadOnlySpan<byte> value) => value.CopyTo(At(row));

    protected override void Reserve(int capacity) => _memory = Memory.AllocateUninitialized(checked(capacity * _width));

    protected override void Enlarge(int capacity) => _memory = Larger(_memory, checked(capacity * _width));

    protected override void Clear(int row) => At(row).Clear();

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity) =>
        new(Type, rows, nulls, 0, [validity, new ArrowBuffer(_memory[..(rows * _width)])], System.Array.Empty<ArrayData>());

    private Span<byte> At(int row) => _memory.Span.Slice(row * _width, _width);
}

/// <summary>Rows without values.</summary>
internal sealed class NullBuilder() : ColumnBuilder(NullType.Default)
{
    protected override void Reserve(int capacity)
    {
    }

    protected override void Enlarge(int capacity)
    {
    }

    protected override void Clear(int row)
    {
    }

    protected override ArrayData Finish(int rows, int nulls, ArrowBuffer validity) => new(Type, rows, rows, 0, System.Array.Empty<ArrowBuffer>(), System.Array.Empty<ArrayData>());
}
