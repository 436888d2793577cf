using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Ipc;

/// <summary>
/// Reads a schema flatbuffer into Arrow's types, trusting nothing: offsets, counts, widths, depth and the total of
/// fields and strings are checked, so that crafted metadata can neither crash nor exhaust memory.
/// </summary>
internal ref struct SchemaDecoder
{
    /// <summary>Deepest nesting of types that is read.</summary>
    public const int MaxDepth = 64;

    private readonly FlatView _view;
    private long _textBudget;
    private long _fieldBudget;

    private SchemaDecoder(FlatView view)
    {
        _view = view;

        // Offsets may share their targets: what a table tree unfolds to is bounded by its bytes.
        _textBudget = 4L * view.Length + 65536;
        _fieldBudget = view.Length / 8 + 16;
    }

    /// <summary>Decodes the schema table at a position.</summary>
    public static (Schema Schema, FieldNode[] Nodes) Decode(FlatView view, int table)
    {
        try
        {
            return new SchemaDecoder(view).Schema(table);
        }
        catch (Exception e) when (e is not (GristmillException or OutOfMemoryException))
        {
            throw Malformed.Because($"its schema makes no sense: {e.Message}", e);
        }
    }

    /// <summary>Decodes the schema message of a stream.</summary>
    public static (Schema Schema, FieldNode[] Nodes) DecodeMessage(ReadOnlySpan<byte> message)
    {
        var view = new FlatView(message);
        int root = view.Root();
        CheckVersion(view.I16(root, 0, 0));
        int header = view.Table(root, 2, "message header");
        if (view.U8(root, 1, 0) != 1 || header == 0)
        {
            Malformed.Throw("the first message is not a schema");
        }

        return Decode(view, header);
    }

    /// <summary>Metadata of version 4 (Arrow 0.8 to 0.17) and 5 (since 1.0) is read.</summary>
    public static void CheckVersion(short version)
    {
        if (version is not (3 or 4))
        {
            Malformed.Throw($"its metadata has version {version + 1}; 4 and 5 are known");
        }
    }

    private (Schema, FieldNode[]) Schema(int table)
    {
        if (_view.I16(table, 0, 0) != 0)
        {
            Malformed.Throw("its numbers are big-endian, which is not supported");
        }

        var nodes = Fields(table, 1, 0);
        return (new Schema(nodes.Select(node => node.Field), Metadata(table, 2)), nodes);
    }

    private FieldNode[] Fields(int table, int index, int depth)
    {
        var (start, count) = _view.Vector(table, index, 4, "the list of fields");
        if (depth > MaxDepth)
        {
            Malformed.Throw($"types are nested deeper than {MaxDepth}");
        }

        if ((_fieldBudget -= count) < 0)
        {
            Malformed.Throw("the schema claims more fields than its bytes can hold");
        }

        var nodes = new FieldNode[count];
        for (int i = 0; i < count; i++)
        {
            nodes[i] = Field(_view.Element(start, i, "a field"), depth);
        }

        return nodes;
    }

    private FieldNode Field(int table, int depth)
    {
        string name = _view.Text(table, 0, "a field name", ref _textBudget) ?? "";
        var children = Fields(table, 5, depth + 1);
        IArrowType type = Type(table, children, name);
        long? dictionaryId = null;
        if (_view.Table(table, 4, "dictionary encoding") is var encoding && encoding != 0)
        {
            dictionaryId = _view.I64(encoding, 0, 0);
            int index = _view.Table(encoding, 1, "dictionary index type");
            type = new DictionaryType(index == 0 ? Int32Type.Default : Integer(index, name), type, _view.U8(encoding, 2, 0) != 0);
        }

        var field = new Field(name, type, _view.U8(table, 1, 0) != 0, Metadata(table, 6));
        return new FieldNode(field, children, dictionaryId);
    }

    private Dictionary<string, string>? Metadata(int table, int index)
    {
        var (start, count) = _view.Vector(table, index, 4, "metadata");
        if (count == 0)
        {
            return null;
        }

        if ((_fieldBudget -= count) < 0)
        {
            Malformed.Throw("metadata claims more pairs than its bytes can hold");
        }

        var pairs = new Dictionary<string, string>(count);
        for (int i = 0; i < count; i++)
        {
            int pair = _view.Element(start, i, "a metadata pair");
            pairs[_view.Text(pair, 0, "a metadata key", ref _textBudget) ?? ""] =
                _view.Text(pair, 1, "a metadata value", ref _textBudget) ?? "";
        }

        return pairs;
    }

    private IArrowType Type(int field, FieldNode[] children, string name)
    {
        byte code = _view.U8(field, 2, 0);
        int table = _view.Table(field, 3, "type");
        if (table == 0)
        {
            Malformed.Throw($"field '{name}' has no type");
        }

        switch (code)
        {
            case 1: return NullType.Default;
            case 2: return Integer(table, name);
            case 3:
                return _view.I16(table, 0, 0) switch
                {
                    0 => HalfFloatType.Default,
                    1 => FloatType.Default,
                    2 => DoubleType.Default,
                    var other => throw Malformed.Because($"field '{name}' has floating-point precision {other}"),
                };
            case 4: return BinaryType.Default;
            case 5: return StringType.Default;
            case 6: return BooleanType.Default;
            case 7: return DecimalOf(table, name);
            case 8:
                return _view.I16(table, 0, 1) switch
                {
                    0 => Date32Type.Default,
                    1 => Date64Type.Default,
                    var other => throw Malformed.Because($"field '{name}' has date unit {other}"),
                };
            case 9: return Time(table, name);
            case 10: return new TimestampType(Unit(table, 0, name), _view.Text(table, 1, "a time zone", ref _textBudget));
            case 11:
                return _view.I16(table, 0, 0) switch
                {
                    0 => IntervalType.YearMonth,
                    1 => IntervalType.DayTime,
                    2 => IntervalType.MonthDayNanosecond,
                    var other => throw Malformed.Because($"field '{name}' has interval unit {other}"),
                };
            case 12: return new ListType(Only(children, name));
            case 13: return new StructType([.. children.Select(child => child.Field)]);
            case 14: return Union(table, children, name);
            case 15: return new FixedSizeBinaryType(Positive(_view.I32(table, 0, 0), int.MaxValue / 8, name));
            case 16: return new FixedSizeListType(Only(children, name), Positive(_view.I32(table, 0, 0), int.MaxValue, name));
            case 17: return Map(table, children, name);
            case 18: return DurationType.FromTimeUnit(Unit(table, 1, name));
            case 19: return LargeBinaryType.Default;
            case 20: return LargeStringType.Default;
            case 21: return new LargeListType(Only(children, name));
            case 22: return RunEnd(children, name);
            case 23: return BinaryViewType.Default;
            case 24: return StringViewType.Default;
            case 25: return new ListViewType(Only(children, name));
            case 26: return new LargeListViewType(Only(children, name));
            default: throw Malformed.Because($"field '{name}' has type {code}, which is not known");
        }
    }

    private IntegerType Integer(int table, string name) => (_view.I32(table, 0, 0), _view.U8(table, 1, 0) != 0) switch
    {
        (8, true) => Int8Type.Default,
        (8, false) => UInt8Type.Default,
        (16, true) => Int16Type.Default,
        (16, false) => UInt16Type.Default,
        (32, true) => Int32Type.Default,
        (32, false) => UInt32Type.Default,
        (64, true) => Int64Type.Default,
        (64, false) => UInt64Type.Default,
        var (bits, _) => throw Malformed.Because($"field '{name}' has integers of {bits} bits"),
    };

    private ArrowType DecimalOf(int table, string name)
    {
        int precision = _view.I32(table, 0, 0), scale = _view.I32(table, 1, 0), bits = _view.I32(table, 2, 128);
        int most = bits switch { 32 => 9, 64 => 18, 128 => 38, 256 => 76, _ => 0 };
        if (precision < 1 || precision > most || Math.Abs((long)scale) > 1000)
        {
            Malformed.Throw($"field '{name}' is a decimal({precision}, {scale}) of {bits} bits");
        }

        return bits switch
        {
            32 => new Decimal32Type(precision, scale),
            64 => new Decimal64Type(precision, scale),
            128 => new Decimal128Type(precision, scale),
            _ => new Decimal256Type(precision, scale),
        };
    }

    private TimeType Time(int table, string name)
    {
        var unit = Unit(table, 1, name);
        int bits = _view.I32(table, 1, 32);
        if (bits != (unit is TimeUnit.Second or TimeUnit.Millisecond ? 32 : 64))
        {
            Malformed.Throw($"field '{name}' is a time of {bits} bits in {unit}s");
        }

        return TimeType.FromTimeUnit(unit);
    }

    private TimeUnit Unit(int table, short otherwise, string name) => _view.I16(table, 0, otherwise) switch
    {
        0 => TimeUnit.Second,
        1 => TimeUnit.Millisecond,
        2 => TimeUnit.Microsecond,
        3 => TimeUnit.Nanosecond,
        var other => throw Malformed.Because($"field '{name}' has time unit {other}"),
    };

    private UnionType Union(int table, FieldNode[] children, string name)
    {
        var mode = _view.I16(table, 0, 0) switch
        {
            0 => UnionMode.Sparse,
            1 => UnionMode.Dense,
            var other => throw Malformed.Because($"field '{name}' has union mode {other}"),
        };
        var (start, count) = _view.Vector(table, 1, 4, "union type ids");
        var ids = new int[children.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = start == 0 ? i : i < count ? _view.I32(start + 4 * i) : -1;
            if (ids[i] is < 0 or > 127 || ids.AsSpan(0, i).Contains(ids[i]))
            {
                Malformed.Throw($"field '{name}' has union type ids that are missing, repeated or outside 0 to 127");
            }
        }

        return new UnionType(children.Select(child => child.Field), ids, mode);
    }

    private MapType Map(int table, FieldNode[] children, string name)
    {
        var entries = Only(children, name);
        if (entries.DataType is not StructType { Fields.Count: 2 })
        {
            Malformed.Throw($"field '{name}' is a map whose entries are not pairs");
        }

        return MapEntries.Declare(entries, _view.U8(table, 0, 0) != 0);
    }

    private static RunEndEncodedType RunEnd(FieldNode[] children, string name)
    {
        if (children.Length != 2 || children[0].Field.DataType is not (Int16Type or Int32Type or Int64Type))
        {
            Malformed.Throw($"field '{name}' is run-end encoded without run ends and values");
        }

        return new RunEndEncodedType(children[0].Field, children[1].Field);
    }

    private static Field Only(FieldNode[] children, string name) => children.Length == 1
        ? children[0].Field
        : throw Malformed.Because($"field '{name}' has {children.Length} children instead of one");

    // The format allows 0, which Arrow's C# types do not.
    private static int Positive(int size, int most, string name) =>
        size > 0 && size <= most ? size : throw Malformed.Because($"field '{name}' has size {size}, 1 to {most} can be read");
}
