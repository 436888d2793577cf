using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Features;

/// <summary>Turns a value into a code; 0 means unseen or null.</summary>
internal abstract class KeyCoder
{
    public abstract int OfText(ReadOnlySpan<byte> utf8);

    public abstract int OfNumber(NumberKey key);

    /// <summary>The code of a cell of a JSON row.</summary>
    public int OfCell(in Cell cell, ReadOnlySpan<byte> text) => cell.Kind switch
    {
        CellKind.Missing => 0,
        CellKind.Text => OfText(text.Slice(cell.TextStart, cell.TextLength)),
        _ => OfNumber(cell.Key),
    };
}

/// <summary>Stable hash: code 1 + XxHash3(value, seed 0) mod buckets over UTF-8 bytes of text, 8 little-endian bytes of anything else (docs/features.md).</summary>
internal sealed class HashCoder(int buckets) : KeyCoder
{
    public override int OfText(ReadOnlySpan<byte> utf8) => 1 + (int)(XxHash3.HashToUInt64(utf8) % (ulong)buckets);

    public override int OfNumber(NumberKey key)
    {
        Span<byte> bytes = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(bytes, key.Bits);
        return 1 + (int)(XxHash3.HashToUInt64(bytes) % (ulong)buckets);
    }
}

/// <summary>The distinct values of one column, codes 1, 2, ... in order of addition.</summary>
internal sealed class ValueIndex(ColumnType type) : KeyCoder
{
    private readonly Utf8Table _text = new();
    private readonly Dictionary<NumberKey, int> _numbers = [];
    private readonly List<NumberKey> _keys = [];

    public ColumnType Type { get; } = type;

    public int Count => Type == ColumnType.String ? _text.Count : _keys.Count;

    public override int OfText(ReadOnlySpan<byte> utf8) => _text.Find(utf8) + 1;

    public override int OfNumber(NumberKey key) => _numbers.GetValueOrDefault(key);

    public int AddText(ReadOnlySpan<byte> utf8) => _text.GetOrAdd(utf8) + 1;

    public int AddNumber(NumberKey key)
    {
        ref var code = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, key, out var known);
        if (!known)
        {
            _keys.Add(key);
            code = _keys.Count;
        }

        return code;
    }

    /// <summary>The UTF-8 bytes of a code of a text column.</summary>
    public ReadOnlySpan<byte> TextOf(int code) => _text[code - 1];

    /// <summary>A code's value as text: itself; a number as the shortest text that reads back equal; true or false; an instant in ISO 8601.</summary>
    public string NameOf(int code) => Type == ColumnType.String
        ? System.Text.Encoding.UTF8.GetString(_text[code - 1])
        : ValueText.Format(Type, _keys[code - 1]);

    /// <summary>Adds a value from what <see cref="NameOf"/> wrote.</summary>
    public int AddName(string name) => Type == ColumnType.String
        ? AddText(System.Text.Encoding.UTF8.GetBytes(name))
        : AddNumber(ValueText.Parse(Type, name));

    /// <summary>Orders two codes of this index by value: text by bytes, others by number.</summary>
    public int CompareValues(int left, int right) => Type == ColumnType.String
        ? _text[left - 1].SequenceCompareTo(_text[right - 1])
        : _keys[left - 1].Value.CompareTo(_keys[right - 1].Value) is var byValue and not 0
            ? byValue
            : _keys[left - 1].Bits.CompareTo(_keys[right - 1].Bits);

    /// <summary>A new index with the given codes of this one, in that order.</summary>
    public ValueIndex Take(IEnumerable<int> codes)
    {
        var taken = new ValueIndex(Type);
        foreach (var code in codes)
        {
            if (Type == ColumnType.String)
            {
                taken.AddText(_text[code - 1]);
            }
            else
            {
                taken.AddNumber(_keys[code - 1]);
            }
        }

        return taken;
    }
}

/// <summary>Adds what it is asked for: the pass over training rows.</summary>
internal sealed class LearningCoder(ValueIndex index, InputColumn column) : KeyCoder
{
    public override int OfText(ReadOnlySpan<byte> utf8)
    {
        var code = index.OfText(utf8);
        if (code == 0)
        {
            // Only here, once a distinct value: what is not UTF-8 could not be saved and read back.
            if (!System.Text.Unicode.Utf8.IsValid(utf8))
            {
                throw new GristmillException(ErrorCodes.BadValue, $"Column '{column.Name}' holds text that is not UTF-8.").With("column", column.Name);
            }

            code = index.AddText(utf8);
        }

        return code;
    }

    public override int OfNumber(NumberKey key) => index.AddNumber(key);
}
