using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Writing;

/// <summary>One field's dictionary as far as it is written, and how the dictionaries of later batches map onto it.</summary>
/// <param name="node">The field.</param>
/// <param name="source">The values as they were given: batches that bring them again need no comparison.</param>
/// <param name="values">The same values as they lie in the segment.</param>
internal sealed class WrittenDictionary(FieldNode node, ArrayData source, ArrayData values)
{
    private const int MostJoined = 64;
    private readonly Layout _layout = Layout.Of(node.ValueType);
    private readonly List<byte[]?> _additions = [];

    /// <summary>Dictionaries that were joined as a whole, and the index of the first value of each: the newest, as each new one is compared with all.</summary>
    private readonly List<(ArrayData Source, int First)> _joined = [(source, 0)];

    private ArrayData? _addition;
    private Dictionary<byte[], int>? _index;
    private int _nullIndex = -1;
    private int _count = values.Length;
    private ArrayData _lastSource = source;
    private int[]? _lastMap;

    /// <summary>The values of the first batch, as they lie in the segment.</summary>
    public ArrayData Values { get; } = values;

    /// <summary>An array with the indices of this dictionary; the same one if its dictionary is this one.</summary>
    /// <param name="data">The array.</param>
    /// <param name="unify">Makes what lies inside values mean the dictionaries written.</param>
    public ArrayData Map(ArrayData data, Func<ArrayData, ArrayData> unify)
    {
        if (!ReferenceEquals(_lastSource, data.Dictionary))
        {
            _lastMap = ArrayEquality.Same(Values, data.Dictionary) ? null : MapOf(data.Dictionary, unify);
            _lastSource = data.Dictionary;
        }

        return _lastMap is null ? data : Rewrite(data, _lastMap);
    }

    /// <summary>Values not yet written, or null.</summary>
    public ArrayData? Additions()
    {
        if (_additions.Count == 0)
        {
            return _addition;
        }

        int nulls = _additions.Count(value => value is null);
        byte[] validity = new byte[(_additions.Count + 7) / 8];
        int width = _layout.Bytes;
        bool variable = _layout.Kind == ArrayLayout.Variable;
        byte[] offsets = new byte[variable ? (_additions.Count + 1) * width : 0];
        using var bytes = new MemoryStream();
        for (int i = 0; i < _additions.Count; i++)
        {
            BitUtility.SetBit(validity, i, _additions[i] is not null);
            bytes.Write(_additions[i] ?? (variable ? [] : new byte[width]));
            if (variable)
            {
                WriteInteger(offsets, i + 1, width, bytes.Length);
            }
        }

        ArrowBuffer content = new(bytes.ToArray()), bitmap = nulls == 0 ? ArrowBuffer.Empty : new ArrowBuffer(validity);
        return new ArrayData(node.ValueType, _additions.Count, nulls, 0,
            variable ? [bitmap, new ArrowBuffer(offsets), content] : [bitmap, content], []);
    }

    public void AdditionsWritten()
    {
        _additions.Clear();
        _addition = null;
    }

    private int[] MapOf(ArrayData source, Func<ArrayData, ArrayData> unify)
    {
        if (!(_layout.Kind == ArrayLayout.Variable || (_layout.Kind == ArrayLayout.Fixed && _layout.Bits % 8 == 0))
            || source.Dictionary is not null)
        {
            int first = Join(source, unify);
            return [.. Enumerable.Range(first, source.Length)];
        }

        if (_index is null)
        {
            _index = new Dictionary<byte[], int>(Values.Length, BytesComparer.Instance);
            for (int i = 0; i < Values.Length; i++)
            {
                if (IsNull(Values, i))
                {
                    _nullIndex = i;
                }
                else
                {
                    _index.TryAdd(Value(Values, i).ToArray(), i);
                }
            }
        }

        var lookup = _index.GetAlternateLookup<ReadOnlySpan<byte>>();
        int[] map = new int[source.Length];
        for (int i = 0; i < map.Length; i++)
        {
            if (IsNull(source, i))
            {
                if (_nullIndex < 0)
                {
                    _nullIndex = Add(null);
                }

                map[i] = _nullIndex;
            }
            else if (!lookup.TryGetValue(Value(source, i), out map[i]))
            {
                byte[] value = Value(source, i).ToArray();
                map[i] = Add(value);
                _index.Add(value, map[i]);
            }
        }

        return map;
    }

    /// <summary>Adds a dictionary whose values have no bytes to be found by, as a whole unless it was added before.</summary>
    private int Join(ArrayData added, Func<ArrayData, ArrayData> unify)
    {
        foreach (var (known, start) in _joined)
        {
            if (ArrayEquality.Same(known, added))
            {
                return start;
            }
        }

        ArrayData values;
        try
        {
            // Readers put the parts together with Arrow's means, which do not know all types.
            values = unify(added);
            Concatenate(Values.Slice(0, Math.Min(1, Values.Length)), values.Slice(0, Math.Min(1, values.Length)));
            if (_addition is not null)
            {
                values = Concatenate(_addition, values); // of a batch that was refused: its indices are given out
            }
        }
        catch (Exception e) when (e is not (GristmillException or OutOfMemoryException))
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Batches of column '{node.Field.Name}' use different dictionaries of {TypeMatch.Show(node.ValueType)}, which cannot be joined.",
                "Encode all batches with one dictionary, or write the column decoded.", e).With("column", node.Field.Name);
        }

        int first = _count;
        Grow(added.Length);
        _addition = values;
        if (_joined.Count == MostJoined)
        {
            _joined.RemoveAt(0);
        }

        _joined.Add((added, first));
        return first;
    }

    private static ArrayData Concatenate(params ReadOnlySpan<ArrayData> parts) =>
        ArrowArrayConcatenator.Concatenate([.. parts.ToArray().Select(ArrowArrayFactory.BuildArray)]).Data;

    private int Add(byte[]? value)
    {
        Grow(1);
        _additions.Add(value);
        return _count - 1;
    }

    private void Grow(int values)
    {
        var type = (IntegerType)((DictionaryType)node.Field.DataType).IndexType;
        long most = type.BitWidth >= 32 ? int.MaxValue - 1 : (1L << (type.BitWidth - (type.IsSigned ? 1 : 0))) - 1;
        if ((long)_count + values > most + 1)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"The joined dictionary of column '{node.Field.Name}' has more than the {most + 1} values that {type.Name} indices can name.",
                "Use wider indices, or write the column decoded.").With("column", node.Field.Name);
        }

        _count += values;
    }

    private static ArrayData Rewrite(ArrayData data, int[] map)
    {
        int width = Layout.Of(data.DataType).Bytes;
        var source = data.Buffers[1].Span;
        byte[] indices = new byte[(data.Offset + data.Length) * width];
        for (int i = data.Offset; i < data.Offset + data.Length; i++)
        {
            // What stands under a null may be anything.
            long index = ReadInteger(source, i, width);
            WriteInteger(indices, i, width, (ulong)index < (ulong)map.Length ? map[index] : 0);
        }

        return new ArrayData(data.DataType, data.Length, data.NullCount, data.Offset, [data.Buffers[0], new ArrowBuffer(indices)], [], data.Dictionary);
    }

    private static bool IsNull(ArrayData data, int index) =>
        data.Buffers[0].Length > 0 && !BitUtility.GetBit(data.Buffers[0].Span, data.Offset + index);

    private ReadOnlySpan<byte> Value(ArrayData data, int index)
    {
        int at = data.Offset + index, width = _layout.Bytes;
        return _layout.Kind == ArrayLayout.Fixed
            ? data.Buffers[1].Span.Slice(at * width, width)
            : data.Buffers[2].Span[(int)ReadInteger(data.Buffers[1].Span, at, width)..(int)ReadInteger(data.Buffers[1].Span, at + 1, width)];
    }

    private static long ReadInteger(ReadOnlySpan<byte> bytes, int index, int width) => width switch
    {
        1 => bytes[index],
        2 => MemoryMarshal.Read<ushort>(bytes[(2 * index)..]),
        4 => MemoryMarshal.Read<uint>(bytes[(4 * index)..]),
        _ => MemoryMarshal.Read<long>(bytes[(8 * index)..]),
    };

    private static void WriteInteger(Span<byte> bytes, int index, int width, long value)
    {
        for (int i = 0; i < width; i++)
        {
            bytes[index * width + i] = (byte)(value >> (8 * i));
        }
    }

    /// <summary>Values as bytes, looked up without an array.</summary>
    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly BytesComparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)XxHash3.HashToUInt64(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
