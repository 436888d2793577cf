using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Gristmill.Objects.Conformance;

/// <summary>A column of the integration format: its values as <see cref="ArrayText"/> writes those of an array.</summary>
internal sealed class JsonColumn
{
    private readonly JsonElement _type;
    private readonly string _name;
    private readonly JsonColumn? _dictionary;
    private readonly JsonColumn[] _children = [];
    private readonly JsonElement[] _validity;
    private readonly JsonElement[] _data;
    private readonly JsonElement[] _offsets;
    private readonly JsonElement[] _sizes;
    private readonly JsonElement[] _typeIds;
    private readonly JsonElement[] _views;
    private readonly byte[][] _viewBuffers;

    /// <param name="table">What it belongs to.</param>
    /// <param name="field">Its field.</param>
    /// <param name="column">Its buffers.</param>
    /// <param name="encoded">Whether they are indices, if the field has a dictionary; else they are the dictionary's values.</param>
    public JsonColumn(IntegrationJson table, JsonElement field, JsonElement column, bool encoded = true)
    {
        _type = field.GetProperty("type");
        _name = _type.GetProperty("name").GetString()!;
        _validity = Elements(column, "VALIDITY");
        _data = Elements(column, "DATA");
        _offsets = Elements(column, "OFFSET");
        _sizes = Elements(column, "SIZE");
        _typeIds = Elements(column, "TYPE_ID");
        _views = Elements(column, "VIEWS");
        _viewBuffers = [.. Elements(column, "VARIADIC_DATA_BUFFERS").Select(buffer => Convert.FromHexString(buffer.GetString()!))];
        if (encoded && field.TryGetProperty("dictionary", out var dictionary))
        {
            _dictionary = table.Dictionary(dictionary.GetProperty("id").GetInt64(), field);
        }
        else
        {
            _children = [.. IntegrationJson.Children(field).Zip(IntegrationJson.Children(column), (child, data) => new JsonColumn(table, child, data))];
        }
    }

    /// <summary>Whether it is null itself; what an index or a run points to may be, too.</summary>
    public bool IsNull(int i) => (_name == "null" && _dictionary is null) || (_validity.Length > 0 && _validity[i].GetInt32() == 0);

    public string Value(int i)
    {
        if (IsNull(i))
        {
            return "null";
        }

        if (_dictionary is not null)
        {
            return _dictionary.Value((int)Integer(_data[i]));
        }

        switch (_name)
        {
            case "list" or "largelist" or "map":
                return List((int)Integer(_offsets[i]), (int)Integer(_offsets[i + 1]));
            case "listview" or "largelistview":
                return List((int)Integer(_offsets[i]), (int)(Integer(_offsets[i]) + Integer(_sizes[i])));
            case "fixedsizelist":
                int size = _type.GetProperty("listSize").GetInt32();
                return List(i * size, (i + 1) * size);
            case "struct":
                return ArrayText.Tuple(_children.Select(child => child.Value(i)));
            case "union":
                int id = _typeIds[i].GetInt32();
                var ids = _type.GetProperty("typeIds").EnumerateArray().Select(value => value.GetInt32()).ToList();
                return ArrayText.Union(id, _children[ids.IndexOf(id)].Value(_offsets.Length > 0 ? _offsets[i].GetInt32() : i));
            case "runendencoded":
                int run = 0;
                while (Integer(_children[0]._data[run]) <= i)
                {
                    run++;
                }

                return _children[1].Value(run);
            case "utf8view" or "binaryview":
                return View(_views[i]);
            default:
                return Scalar(_data[i]);
        }
    }

    private string List(int from, int to) => ArrayText.List(Enumerable.Range(from, to - from).Select(k => _children[0].Value(k)));

    private string View(JsonElement view)
    {
        bool text = _name == "utf8view";
        if (view.TryGetProperty("INLINED", out var inlined))
        {
            byte[] value = text ? Encoding.UTF8.GetBytes(inlined.GetString()!) : Convert.FromHexString(inlined.GetString()!);
            return ArrayText.Bytes(value, text);
        }

        int size = view.GetProperty("SIZE").GetInt32(), offset = view.GetProperty("OFFSET").GetInt32();
        return ArrayText.Bytes(_viewBuffers[view.GetProperty("BUFFER_INDEX").GetInt32()].AsSpan(offset, size), text);
    }

    private string Scalar(JsonElement value) => _name switch
    {
        "bool" => value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.Number && value.GetInt32() != 0) ? "true" : "false",
        "utf8" or "largeutf8" => '"' + value.GetString() + '"',
        "binary" or "largebinary" or "fixedsizebinary" => value.GetString()!.ToUpperInvariant(),
        "floatingpoint" => Float(value),
        "decimal" or "decimal32" or "decimal64" or "decimal256" => value.GetString()!,
        "interval" when value.ValueKind == JsonValueKind.Object => value.TryGetProperty("months", out var months)
            ? ArrayText.Interval(months.GetInt64(), value.GetProperty("days").GetInt64(), value.GetProperty("nanoseconds").GetInt64())
            : ArrayText.Interval(value.GetProperty("days").GetInt64(), value.GetProperty("milliseconds").GetInt64()),
        _ => Integer(value).ToString(CultureInfo.InvariantCulture),
    };

    private string Float(JsonElement value) => _type.GetProperty("precision").GetString() switch
    {
        // Halves are written as their bits.
        "HALF" when value.TryGetUInt16(out ushort bits) => ArrayText.Half(bits),
        "HALF" => ArrayText.Half(BitConverter.HalfToUInt16Bits((Half)value.GetDouble())),
        "SINGLE" => ArrayText.Float((float)value.GetDouble()),
        _ => ArrayText.Float(value.GetDouble()),
    };

    /// <summary>Integers of 64 bits are written as strings, others as numbers; unsigned ones may exceed a long.</summary>
    private static Int128 Integer(JsonElement value) => Int128.Parse(value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(), CultureInfo.InvariantCulture);

    private static JsonElement[] Elements(JsonElement column, string name) =>
        column.TryGetProperty(name, out var values) && values.ValueKind == JsonValueKind.Array ? [.. values.EnumerateArray()] : [];
}
