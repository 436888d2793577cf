using System.Buffers;
using System.Runtime.CompilerServices;
using Apache.Arrow;

namespace Gristmill.Data.Interop;

/// <summary>A column of the block at hand, read value by value. The memory stays in place while the block does.</summary>
internal abstract unsafe class ColumnReader
{
    private readonly List<MemoryHandle> _pins = [];
    private byte* _validity;
    private int _offset;

    /// <summary>Rows without a value.</summary>
    public int NullCount { get; private set; }

    /// <summary>Turns to the column of another block.</summary>
    public void Bind(ArrayData data)
    {
        Unbind();
        _offset = data.Offset;
        NullCount = data.Buffers.Length == 0 || data.Buffers[0].IsEmpty ? 0 : data.NullCount >= 0 ? data.NullCount : data.GetNullCount();
        _validity = NullCount == 0 ? null : Address<byte>(data.Buffers[0], 0);
        Attach(data);
    }

    /// <summary>Lets go of the block.</summary>
    public void Unbind()
    {
        Detach();
        foreach (var pin in _pins)
        {
            pin.Dispose();
        }

        _pins.Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNull(int row)
    {
        if (_validity is null)
        {
            return false;
        }

        var bit = row + _offset;
        return (_validity[bit >> 3] >> (bit & 7) & 1) == 0;
    }

    /// <summary>The first row without a value.</summary>
    public int FirstNull(int rows)
    {
        var row = 0;
        while (row < rows && !IsNull(row))
        {
            row++;
        }

        return row;
    }

    protected abstract void Attach(ArrayData data);

    /// <summary>Lets go of what it reads by.</summary>
    protected virtual void Detach()
    {
    }

    /// <summary>The address of the first value of a buffer.</summary>
    protected T* Address<T>(ArrowBuffer buffer, int offset)
        where T : unmanaged
    {
        if (buffer.IsEmpty)
        {
            return null;
        }

        var pin = buffer.Memory.Pin();
        _pins.Add(pin);
        return (T*)pin.Pointer + offset;
    }
}

/// <summary>Numbers, dates and times.</summary>
internal sealed unsafe class FixedColumn<T> : ColumnReader
    where T : unmanaged
{
    private T* _values;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Get(int row) => _values[row];

    public ReadOnlySpan<T> Values(int rows) => new(_values, rows);

    protected override void Attach(ArrayData data) => _values = Address<T>(data.Buffers[1], data.Offset);
}

/// <summary>A bit a value.</summary>
internal sealed unsafe class BitColumn : ColumnReader
{
    private byte* _bits;
    private int _start;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Get(int row)
    {
        var bit = row + _start;
        return (_bits[bit >> 3] >> (bit & 7) & 1) != 0;
    }

    protected override void Attach(ArrayData data)
    {
        _bits = Address<byte>(data.Buffers[1], 0);
        _start = data.Offset;
    }
}

/// <summary>Bytes of any length, with offsets of 32 or 64 bits.</summary>
internal sealed unsafe class BytesColumn<TOffset> : ColumnReader
    where TOffset : unmanaged
{
    private TOffset* _offsets;
    private byte* _data;

    public ReadOnlySpan<byte> Span(int row)
    {
        if (typeof(TOffset) == typeof(int))
        {
            var start = ((int*)_offsets)[row];
            return new(_data + start, ((int*)_offsets)[row + 1] - start);
        }

        var from = ((long*)_offsets)[row];
        return new(_data + from, checked((int)(((long*)_offsets)[row + 1] - from)));
    }

    public byte[] Get(int row) => Span(row).ToArray();

    protected override void Attach(ArrayData data)
    {
        _offsets = Address<TOffset>(data.Buffers[1], data.Offset);
        _data = Address<byte>(data.Buffers[2], 0);
    }
}

/// <summary>Text. Short values that come again are the same string: a column of a few names makes no garbage.</summary>
internal sealed class TextColumn<TOffset> : ColumnReader
    where TOffset : unmanaged
{
    private readonly BytesColumn<TOffset> _bytes = new();
    private readonly TextCache _cache = new();

    public string Get(int row) => _cache.Get(_bytes.Span(row));

    protected override void Attach(ArrayData data) => _bytes.Bind(data);

    protected override void Detach() => _bytes.Unbind();
}

/// <summary>Text of Arrow types that few write: views, and whatever else Arrow's own reader takes.</summary>
internal sealed class OtherTextColumn : ColumnReader
{
    private IArrowArray? _array;

    public string Get(int row) => _array switch
    {
        StringViewArray views => views.GetString(row),
        LargeStringArray large => large.GetString(row),
        var array => ((StringArray)array!).GetString(row),
    };

    protected override void Attach(ArrayData data) => _array = ArrowArrayFactory.BuildArray(data);
}

/// <summary>Bytes of one length.</summary>
internal sealed unsafe class FixedBytesColumn(int width) : ColumnReader
{
    private byte* _values;

    public ReadOnlySpan<byte> Span(int row) => new(_values + ((long)row * width), width);

    protected override void Attach(ArrayData data) => _values = Address<byte>(data.Buffers[1], 0) + ((long)data.Offset * width);
}

/// <summary>Bytes and text that are views, as Arrow's own reader has them.</summary>
internal sealed class ViewBytesColumn : ColumnReader
{
    private BinaryViewArray? _array;

    public ReadOnlySpan<byte> Span(int row) => _array!.GetBytes(row, out _);

    protected override void Attach(ArrayData data) => _array = (BinaryViewArray)ArrowArrayFactory.BuildArray(data);
}

/// <summary>Text by number in a dictionary; each value is made once.</summary>
internal sealed class DictionaryTextColumn<TIndex> : ColumnReader
    where TIndex : unmanaged
{
    private readonly FixedColumn<TIndex> _indices = new();
    private string[] _values = [];
    private ReadOnlyMemory<byte> _known;
    private int _knownCount = -1;

    public string Get(int row) => _values[Index(_indices.Get(row))];

    protected override void Attach(ArrayData data)
    {
        _indices.Bind(data);
        var dictionary = data.Dictionary!;
        // Blocks of one source share their dictionary.
        if (_knownCount == dictionary.Length && _known.Equals(dictionary.Buffers[^1].Memory))
        {
            return;
        }

        (_known, _knownCount) = (dictionary.Buffers[^1].Memory, dictionary.Length);
        var reader = new OtherTextColumn();
        reader.Bind(dictionary);
        _values = new string[dictionary.Length];
        for (var i = 0; i < _values.Length; i++)
        {
            _values[i] = reader.IsNull(i) ? "" : reader.Get(i);
        }
    }

    protected override void Detach() => _indices.Unbind();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Index(TIndex index)
    {
        if (typeof(TIndex) == typeof(byte))
        {
            return (byte)(object)index;
        }

        if (typeof(TIndex) == typeof(sbyte))
        {
            return (sbyte)(object)index;
        }

        if (typeof(TIndex) == typeof(ushort))
        {
            return (ushort)(object)index;
        }

        if (typeof(TIndex) == typeof(short))
        {
            return (short)(object)index;
        }

        return typeof(TIndex) == typeof(long) ? (int)(long)(object)index : typeof(TIndex) == typeof(uint) ? (int)(uint)(object)index : (int)(object)index;
    }
}

/// <summary>Lists of numbers, of one length or of any, as arrays.</summary>
internal sealed unsafe class ListColumn<T> : ColumnReader
    where T : unmanaged
{
    private readonly FixedColumn<T> _items = new();
    private int* _offsets;
    private int _size;
    private int _start;
    private int _nulls;

    public T[] Get(int row)
    {
        var first = _offsets is null ? (row + _start) * _size : _offsets[row];
        var count = _offsets is null ? _size : _offsets[row + 1] - first;
        var values = new T[count];
        for (var i = 0; i < count; i++)
        {
            if (_nulls > 0 && _items.IsNull(first + i))
            {
                throw new InvalidOperationException($"item {i} of the list is null");
            }

            values[i] = _items.Get(first + i);
        }

        return values;
    }

    protected override void Attach(ArrayData data)
    {
        _size = data.DataType is Apache.Arrow.Types.FixedSizeListType type ? type.ListSize : 0;
        _offsets = _size > 0 ? null : Address<int>(data.Buffers[1], data.Offset);
        _start = data.Offset;
        _items.Bind(data.Children[0]);
        _nulls = _items.NullCount;
    }

    protected override void Detach() => _items.Unbind();
}

/// <summary>Where lists, of one length or of any, have their items among those of all.</summary>
internal sealed unsafe class ListBounds : ColumnReader
{
    private int* _offsets;
    private long* _longOffsets;
    private int _size;
    private int _start;

    public (int First, int Count) Get(int row)
    {
        if (_offsets is not null)
        {
            return (_offsets[row], _offsets[row + 1] - _offsets[row]);
        }

        return _longOffsets is not null
            ? (checked((int)_longOffsets[row]), checked((int)(_longOffsets[row + 1] - _longOffsets[row])))
            : (checked((row + _start) * _size), _size);
    }

    protected override void Attach(ArrayData data)
    {
        (_start, _size) = (data.Offset, data.DataType is Apache.Arrow.Types.FixedSizeListType type ? type.ListSize : 0);
        _offsets = data.DataType is Apache.Arrow.Types.ListType ? Address<int>(data.Buffers[1], data.Offset) : null;
        _longOffsets = data.DataType is Apache.Arrow.Types.LargeListType ? Address<long>(data.Buffers[1], data.Offset) : null;
    }
}

/// <summary>Which rows have a value, and nothing more.</summary>
internal sealed class ValidityColumn : ColumnReader
{
    protected override void Attach(ArrayData data)
    {
    }
}
