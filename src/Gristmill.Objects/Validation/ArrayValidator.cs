using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Validation;

/// <summary>
/// Checks array data against the columnar format before any class of Arrow reads it: those follow offsets by raw
/// pointer, so that a wrong one ends the process.
/// </summary>
internal readonly ref struct ArrayValidator
{
    private readonly ArrayData _data;
    private readonly string _name;
    private readonly ValidationDepth _depth;
    private readonly Layout _layout;

    /// <summary>Values up to the end of the array, what lies before its offset included.</summary>
    private readonly long _end;

    private ArrayValidator(ArrayData data, string name, ValidationDepth depth)
    {
        _data = data;
        _name = name;
        _depth = depth;
        _layout = Layout.Of(data.DataType);
        _end = (long)data.Offset + data.Length;
    }

    /// <summary>Checks an array and all below it.</summary>
    /// <param name="data">The array.</param>
    /// <param name="name">Its column, for messages.</param>
    /// <param name="depth">How far.</param>
    /// <param name="known">Dictionaries that were checked before.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/> with what is wrong.</exception>
    public static void Check(ArrayData data, string name, ValidationDepth depth, HashSet<ArrayData>? known = null) =>
        Check(data, name, depth, known, 0);

    private static void Check(ArrayData data, string name, ValidationDepth depth, HashSet<ArrayData>? known, int level)
    {
        if (level > 2 * SchemaDecoder.MaxDepth)
        {
            Malformed.Throw($"'{name}' is nested too deep");
        }

        if (data.Length < 0 || data.Offset < 0 || (long)data.Offset + data.Length > int.MaxValue || data.NullCount > data.Length)
        {
            Malformed.Throw($"'{name}' claims {data.Length} values from {data.Offset} of which {data.NullCount} are null");
        }

        var validator = new ArrayValidator(data, name, depth);
        validator.CheckBuffers();
        var children = data.Children ?? [];
        for (int i = 0; i < children.Length; i++)
        {
            Check(children[i], $"{name}[{i}]", depth, known, level + 1);
        }

        if (data.DataType is DictionaryType)
        {
            if (data.Dictionary is null)
            {
                Malformed.Throw($"'{name}' has no dictionary");
            }

            if (known is null || !known.Contains(data.Dictionary))
            {
                Check(data.Dictionary, name + " (dictionary)", depth, known, level + 1);
            }
        }

        if (depth > ValidationDepth.Structure)
        {
            validator.CheckValues();
        }
    }

    private void CheckBuffers()
    {
        int have = _data.Buffers?.Length ?? 0;
        if (have < _layout.Buffers)
        {
            Malformed.Throw($"'{_name}' has {have} buffers, its type needs {_layout.Buffers}");
        }

        int children = Layout.ChildFields(_data.DataType is DictionaryType ? NullType.Default : _data.DataType).Count;
        if ((_data.Children?.Length ?? 0) < children)
        {
            Malformed.Throw($"'{_name}' has {_data.Children?.Length ?? 0} children, its type needs {children}");
        }

        if (_layout.HasValidity)
        {
            if (_data.Buffers![0].Length > 0)
            {
                Need(0, (_end + 7) / 8, "validity");
                if (_depth == ValidationDepth.Full && _data.NullCount >= 0
                    && _data.Length - BitUtility.CountBits(_data.Buffers[0].Span, _data.Offset, _data.Length) is var nulls && nulls != _data.NullCount)
                {
                    Malformed.Throw($"'{_name}' claims {_data.NullCount} nulls and has {nulls}");
                }
            }
            else if (_data.NullCount > 0)
            {
                Malformed.Throw($"'{_name}' claims {_data.NullCount} nulls without a validity bitmap");
            }
        }

        switch (_layout.Kind)
        {
            case ArrayLayout.Fixed:
                Need(1, (_end * _layout.Bits + 7) / 8, "values");
                break;
            case ArrayLayout.Variable:
                CheckEnds(_data.Buffers![2].Length, "bytes");
                break;
            case ArrayLayout.View:
                Need(1, _end * 16, "views");
                break;
            case ArrayLayout.List:
                CheckEnds(_data.Children![0].Length, "values");
                break;
            case ArrayLayout.ListView:
                Need(1, _end * _layout.Bytes, "offsets");
                Need(2, _end * _layout.Bytes, "sizes");
                break;
            case ArrayLayout.FixedList:
                NeedChild(0, _end * ((FixedSizeListType)Storage).ListSize);
                break;
            case ArrayLayout.Struct:
                NeedChildren(_end);
                break;
            case ArrayLayout.SparseUnion:
                Need(0, _end, "type ids");
                NeedChildren(_end);
                break;
            case ArrayLayout.DenseUnion:
                Need(0, _end, "type ids");
                Need(1, _end * 4, "offsets");
                break;
        }
    }

    private IArrowType Storage => _data.DataType is ExtensionType extension ? extension.StorageType : _data.DataType;

    private void CheckValues()
    {
        switch (_layout.Kind)
        {
            case ArrayLayout.Variable when _data.Length > 0 || _data.Buffers[1].Length > 0:
                CheckMonotone();
                if (_depth == ValidationDepth.Full && Storage is StringType or LargeStringType)
                {
                    TextValidator.CheckOffsets(_data, _layout.Bytes, _name);
                }

                break;
            case ArrayLayout.List when _data.Length > 0 || _data.Buffers[1].Length > 0:
                CheckMonotone();
                if (_depth == ValidationDepth.Full && Storage is MapType)
                {
                    CheckMapEntries();
                }

                break;
            case ArrayLayout.View:
                ViewValidator.Check(_data, _name, Storage is StringViewType && _depth == ValidationDepth.Full);
                break;
            case ArrayLayout.ListView:
                CheckListViews();
                break;
            case ArrayLayout.SparseUnion or ArrayLayout.DenseUnion:
                CheckUnion();
                break;
            case ArrayLayout.RunEnd:
                CheckRunEnds();
                break;
            case ArrayLayout.Fixed when _data.DataType is DictionaryType:
                CheckIndices();
                break;
        }
    }

    /// <summary>First and last offset, in constant time; an empty array may have no offsets.</summary>
    private void CheckEnds(long limit, string of)
    {
        if (_end == 0 && _data.Buffers[1].Length == 0)
        {
            return;
        }

        Need(1, (_end + 1) * _layout.Bytes, "offsets");
        long first = Offset(_data.Offset), last = Offset((int)_end);
        if (first < 0 || last < first || last > limit)
        {
            Malformed.Throw($"the offsets of '{_name}' run from {first} to {last} over {limit} {of}");
        }
    }

    private void CheckMonotone()
    {
        var bytes = _data.Buffers[1].Span;
        int fell = _layout.Bits == 32
            ? FirstDecrease(MemoryMarshal.Cast<byte, int>(bytes).Slice(_data.Offset, _data.Length + 1))
            : FirstDecrease(MemoryMarshal.Cast<byte, long>(bytes).Slice(_data.Offset, _data.Length + 1));
        if (fell >= 0)
        {
            Malformed.Throw($"the offsets of '{_name}' decrease at value {fell}");
        }
    }

    private static int FirstDecrease(ReadOnlySpan<int> offsets)
    {
        // Branch-free over a block, so that the compiler can vectorise; the place is looked for only on failure.
        int bad = 0;
        for (int i = 1; i < offsets.Length; i++)
        {
            bad |= offsets[i] - offsets[i - 1] | offsets[i];
        }

        // A difference of two non-negative numbers cannot overflow, so a set sign bit is a decrease or a negative offset.
        if (bad >= 0)
        {
            return -1;
        }

        for (int i = 1; i < offsets.Length; i++)
        {
            if (offsets[i] < offsets[i - 1])
            {
                return i;
            }
        }

        return 0;
    }

    private static int FirstDecrease(ReadOnlySpan<long> offsets)
    {
        long bad = 0;
        for (int i = 1; i < offsets.Length; i++)
        {
            bad |= offsets[i] - offsets[i - 1] | offsets[i];
        }

        if (bad >= 0)
        {
            return -1;
        }

        for (int i = 1; i < offsets.Length; i++)
        {
            if (offsets[i] < offsets[i - 1])
            {
                return i;
            }
        }

        return 0;
    }

    private void CheckMapEntries()
    {
        var entries = _data.Children[0];
        if (entries.NullCount > 0 || entries.Children[0].NullCount > 0)
        {
            Malformed.Throw($"the map '{_name}' has null entries or keys");
        }
    }

    private void CheckListViews()
    {
        var offsets = _data.Buffers[1].Span;
        var sizes = _data.Buffers[2].Span;
        long limit = _data.Children[0].Length;
        for (int i = _data.Offset; i < _end; i++)
        {
            long offset = Integer(offsets, i, _layout.Bytes), size = Integer(sizes, i, _layout.Bytes);
            if (offset < 0 || size < 0 || offset > limit - size)
            {
                Malformed.Throw($"value {i} of '{_name}' is a list of {size} from {offset} over {limit} values");
            }
        }
    }

    private void CheckUnion()
    {
        var type = (UnionType)Storage;
        Span<int> childOf = stackalloc int[256];
        childOf.Fill(-1);
        for (int i = 0; i < type.TypeIds.Length; i++)
        {
            childOf[(byte)type.TypeIds[i]] = i;
        }

        var ids = _data.Buffers[0].Span;
        bool dense = _layout.Kind == ArrayLayout.DenseUnion;
        var offsets = dense ? MemoryMarshal.Cast<byte, int>(_data.Buffers[1].Span) : default;
        for (int i = _data.Offset; i < _end; i++)
        {
            int child = childOf[ids[i]];
            if (child < 0)
            {
                Malformed.Throw($"value {i} of the union '{_name}' has type id {(sbyte)ids[i]}, which its type does not have");
            }

            if (dense && (uint)offsets[i] >= (uint)_data.Children[child].Length)
            {
                Malformed.Throw($"value {i} of the union '{_name}' points to {offsets[i]} of {_data.Children[child].Length} values");
            }
        }
    }

    private void CheckRunEnds()
    {
        var ends = _data.Children[0];
        var values = _data.Children[1];
        if (ends.NullCount > 0 || values.Length < ends.Length)
        {
            Malformed.Throw($"'{_name}' has null run ends or fewer values than runs");
        }

        int width = Layout.Of(ends.DataType).Bytes;
        var bytes = ends.Buffers[1].Span;
        long last = 0;
        for (int i = ends.Offset; i < ends.Offset + ends.Length; i++)
        {
            long end = Integer(bytes, i, width);
            if (end <= last)
            {
                Malformed.Throw($"run end {end} of '{_name}' follows {last}");
            }

            last = end;
        }

        if (last < _end)
        {
            Malformed.Throw($"the runs of '{_name}' end at {last}, before its {_end} values");
        }
    }

    private void CheckIndices()
    {
        var indices = _data.Buffers[1].Span;
        var validity = _data.Buffers[0].Span;
        int width = _layout.Bytes;
        ulong count = (ulong)_data.Dictionary.Length;
        ulong mask = width == 8 ? ulong.MaxValue : (1UL << (8 * width)) - 1;
        for (int i = _data.Offset; i < _end; i++)
        {
            // A negative index is a large number here, so one comparison finds both kinds.
            if (((ulong)Integer(indices, i, width) & mask) >= count && (validity.IsEmpty || BitUtility.GetBit(validity, i)))
            {
                Malformed.Throw($"value {i} of '{_name}' has index {Integer(indices, i, width)} into a dictionary of {count}");
            }
        }
    }

    private long Offset(int index) => Integer(_data.Buffers[1].Span, index, _layout.Bytes);

    private static long Integer(ReadOnlySpan<byte> bytes, int index, int width) => width switch
    {
        1 => (sbyte)bytes[index],
        2 => MemoryMarshal.Read<short>(bytes[(2 * index)..]),
        4 => MemoryMarshal.Read<int>(bytes.Slice(4 * index, 4)),
        _ => MemoryMarshal.Read<long>(bytes.Slice(8 * index, 8)),
    };

    private void Need(int buffer, long bytes, string what)
    {
        if (_data.Buffers[buffer].Length < bytes)
        {
            Malformed.Throw($"the {what} of '{_name}' have {_data.Buffers[buffer].Length} bytes, {_end} values need {bytes}");
        }
    }

    private void NeedChildren(long length)
    {
        for (int i = 0; i < _data.Children.Length; i++)
        {
            NeedChild(i, length);
        }
    }

    private void NeedChild(int child, long length)
    {
        if (_data.Children[child].Length < length)
        {
            Malformed.Throw($"child {child} of '{_name}' has {_data.Children[child].Length} values, {length} are needed");
        }
    }
}
