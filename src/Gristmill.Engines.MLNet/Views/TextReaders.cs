using System.IO.Hashing;
using System.Text;
using Apache.Arrow;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// UTF-8 as ML.NET's text. Decoding is a conversion, counted; values seen lately are given again without one. ML.NET
/// keeps what it is given, so a value's memory is never reused. Null is empty, ML.NET's missing text.
/// </summary>
internal sealed class TextReader : ColumnReader<ReadOnlyMemory<char>>
{
    private const int Slots = 1024;
    private const int LongestKept = 64;

    private readonly (ulong Hash, byte[]? Bytes, string Text)[] _lately = new (ulong, byte[]?, string)[Slots];
    private IArrowArray? _array;

    internal override void Read(int row, ref ReadOnlyMemory<char> value)
    {
        if (IsNull(row))
        {
            value = default;
            return;
        }

        var bytes = _array switch
        {
            StringArray a => a.GetBytes(row),
            LargeStringArray a => a.GetBytes(row),
            StringViewArray a => a.GetBytes(row),
            _ => default,
        };
        value = Decode(bytes).AsMemory();
    }

    protected override void BindValues(IArrowArray array) => _array = array;

    protected override void Release() => _array = null;

    private string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > LongestKept)
        {
            Copied += bytes.Length;
            return Encoding.UTF8.GetString(bytes);
        }

        var hash = XxHash3.HashToUInt64(bytes);
        ref var slot = ref _lately[hash % Slots];
        if (slot.Bytes is null || slot.Hash != hash || !bytes.SequenceEqual(slot.Bytes))
        {
            Copied += bytes.Length;
            slot = (hash, bytes.ToArray(), Encoding.UTF8.GetString(bytes));
        }

        return slot.Text;
    }
}

/// <summary>The distinct values of a dictionary column over all batches, whose dictionaries may differ.</summary>
internal sealed class DictionaryValues
{
    private readonly Dictionary<string, uint> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<IArrowArray, uint[]> _maps = new(ReferenceEqualityComparer.Instance);

    /// <summary>The values, key 1 first.</summary>
    internal List<string> Values { get; } = [];

    internal long Copied { get; private set; }

    /// <summary>The key of each entry of a batch's dictionary; 0 for a null entry.</summary>
    internal uint[] MapOf(IArrowArray dictionary) => _maps[dictionary];

    internal void Add(IArrowArray dictionary)
    {
        if (_maps.ContainsKey(dictionary))
        {
            return;
        }

        using var reader = new TextReader();
        reader.Bind(dictionary);
        var map = new uint[dictionary.Length];
        for (var i = 0; i < map.Length; i++)
        {
            if (dictionary.IsNull(i))
            {
                continue;
            }

            ReadOnlyMemory<char> text = default;
            reader.Read(i, ref text);
            var value = text.ToString();
            if (!_keys.TryGetValue(value, out map[i]))
            {
                Values.Add(value);
                _keys[value] = map[i] = (uint)Values.Count;
            }
        }

        Copied += reader.Copied;
        _maps.Add(dictionary, map);
    }
}

/// <summary>Dictionary indices as keys into the values of all batches; null is the missing key 0.</summary>
internal sealed class DictionaryKeyReader(DictionaryValues values) : ColumnReader<uint>
{
    private readonly NumberReader<sbyte, int> _i8 = new();
    private readonly NumberReader<byte, int> _u8 = new();
    private readonly NumberReader<short, int> _i16 = new();
    private readonly NumberReader<ushort, int> _u16 = new();
    private readonly NumberReader<int, int> _i32 = new();
    private readonly NumberReader<uint, int> _u32 = new();
    private readonly NumberReader<long, int> _i64 = new();
    private readonly NumberReader<ulong, int> _u64 = new();
    private ColumnReader<int>? _indices;
    private uint[] _map = [];

    internal override void Read(int row, ref uint value)
    {
        if (IsNull(row))
        {
            value = 0;
            return;
        }

        var index = 0;
        _indices!.Read(row, ref index);
        value = _map[index];
    }

    internal override bool LiesIn(Func<nint, int, bool> owns) => _indices?.LiesIn(owns) ?? false;

    protected override void BindValues(IArrowArray array)
    {
        var dictionary = (DictionaryArray)array;
        _map = values.MapOf(dictionary.Dictionary);
        _indices = dictionary.Indices switch
        {
            Int8Array => _i8,
            UInt8Array => _u8,
            Int16Array => _i16,
            UInt16Array => _u16,
            Int32Array => _i32,
            UInt32Array => _u32,
            Int64Array => _i64,
            _ => _u64,
        };
        _indices.Bind(dictionary.Indices);
    }

    protected override void Release() => _indices?.Dispose();
}

/// <summary>Dictionary values as text.</summary>
internal sealed class DictionaryTextReader(DictionaryValues values) : ColumnReader<ReadOnlyMemory<char>>
{
    private readonly DictionaryKeyReader _keys = new(values);

    internal override void Read(int row, ref ReadOnlyMemory<char> value)
    {
        uint key = 0;
        _keys.Read(row, ref key);
        value = key == 0 ? default : values.Values[(int)key - 1].AsMemory();
    }

    internal override bool LiesIn(Func<nint, int, bool> owns) => _keys.LiesIn(owns);

    protected override void BindValues(IArrowArray array) => _keys.Bind(array);

    protected override void Release() => _keys.Dispose();
}
