using System.Globalization;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Data.Sources.Avro;

/// <summary>
/// Turns a schema (https://avro.apache.org/docs/1.12.0/specification/) into readers. Names are kept as they are, fields may always be null, and a logical type that is
/// unknown, or not valid where it stands, is passed over, as the specification has it.
/// </summary>
internal sealed class AvroSchemaParser
{
    // A schema of a few lines may name types that have each other in them, and grow beyond all bounds.
    private const int MostTypes = 10_000;
    private const int Deepest = 64;
    private const int WidestFixed = 1 << 20;

    private readonly string _file;
    private readonly Dictionary<string, AvroType?> _named = new(StringComparer.Ordinal);

    private AvroSchemaParser(string file) => _file = file;

    /// <summary>The columns: the fields of a record; of anything else, one that is called value.</summary>
    /// <param name="json">The schema.</param>
    /// <param name="file">The file's name, for errors.</param>
    /// <exception cref="InvalidDataException">It is no schema.</exception>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>, naming the field: it is of a type that no column has.</exception>
    public static IReadOnlyList<(string Name, AvroType Type)> Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var parser = new AvroSchemaParser(file);
            var root = document.RootElement;
            var columns = Text(root, "type") is "record" ? parser.Fields(root, "", "").Fields : [("value", parser.Read(root, "value", ""))];
            return columns.Sum(static column => column.Type.Least) > 0 ? columns : throw new InvalidDataException("its rows have no content");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter of texts with half a character in them.
            throw new InvalidDataException($"its schema is no JSON: {e.Message}", e);
        }
    }

    /// <param name="schema">The type.</param>
    /// <param name="path">The field that has it.</param>
    /// <param name="space">The namespace around it.</param>
    /// <param name="outer">What is around it and may say its logical type: Avro's library for C# writes those of fixed so.</param>
    private AvroType Read(JsonElement schema, string path, string space, JsonElement outer = default) => schema.ValueKind switch
    {
        JsonValueKind.String => Named(schema.GetString()!, null, outer, path, space),
        JsonValueKind.Array => Union(schema, path, space),
        JsonValueKind.Object when schema.TryGetProperty("type", out var type) => type.ValueKind switch
        {
            JsonValueKind.String => Named(type.GetString()!, schema, Text(schema, "logicalType") is null ? outer : schema, path, space),
            _ => Read(type, path, space, schema),
        },
        _ => throw Broken(path, "has no type"),
    };

    private AvroType Named(string name, JsonElement? schema, JsonElement annotated, string path, string space) => (name, Text(annotated, "logicalType")) switch
    {
        ("null", _) => new AvroType(NullType.Default, 0, 0, static () => new AvroColumn.Nulls()),
        ("boolean", _) => new AvroType(BooleanType.Default, 1, 1, static () => new AvroColumn.Bits()),
        ("int", "date") => Ints(Date32Type.Default),
        ("int", "time-millis") => Ints(new Time32Type(TimeUnit.Millisecond), 0, 86_399_999),
        ("int", _) => Ints(Int32Type.Default),
        ("long", "time-micros") => Longs(new Time64Type(TimeUnit.Microsecond), 0, 86_399_999_999),
        ("long", "timestamp-millis") => Longs(new TimestampType(TimeUnit.Millisecond, "UTC")),
        ("long", "timestamp-micros") => Longs(new TimestampType(TimeUnit.Microsecond, "UTC")),
        ("long", "timestamp-nanos") => Longs(new TimestampType(TimeUnit.Nanosecond, "UTC")),
        ("long", "local-timestamp-millis") => Longs(new TimestampType(TimeUnit.Millisecond, (string?)null)),
        ("long", "local-timestamp-micros") => Longs(new TimestampType(TimeUnit.Microsecond, (string?)null)),
        ("long", "local-timestamp-nanos") => Longs(new TimestampType(TimeUnit.Nanosecond, (string?)null)),
        ("long", _) => Longs(Int64Type.Default),
        ("float", _) => new AvroType(FloatType.Default, 4, 4, static () => new AvroColumn.Floats()),
        ("double", _) => new AvroType(DoubleType.Default, 8, 8, static () => new AvroColumn.Doubles()),
        ("bytes", "decimal") when Decimal(annotated, path) is { } type => new AvroType(type, 16, 1, () => new AvroColumn.Decimals(type, 0)),
        ("bytes", _) => new AvroType(BinaryType.Default, 12, 1, static () => new AvroColumn.Binary()),
        ("string", _) => new AvroType(StringType.Default, 12, 1, static () => new AvroColumn.Text()),
        ("record" or "enum" or "fixed", _) when schema is { } defined => Define(name, defined, annotated, path, space),
        ("array" or "map", _) when schema is { } list => Items(name == "map", list, path, space),
        _ => Reference(name, path, space),
    };

    private static AvroType Ints(IArrowType type, int least = int.MinValue, int most = int.MaxValue) => new(type, 4, 1, () => new AvroColumn.Ints(type, least, most));

    private static AvroType Longs(IArrowType type, long least = long.MinValue, long most = long.MaxValue) => new(type, 8, 1, () => new AvroColumn.Longs(type, least, most));

    /// <summary>A type that has been defined before.</summary>
    private AvroType Reference(string name, string path, string space)
    {
        if (!_named.TryGetValue(Full(name, space), out var type) && !_named.TryGetValue(name, out type))
        {
            throw Broken(path, $"is of the type '{name}', which is not defined");
        }

        return type ?? throw Unfit(path, $"has the record '{name}' in itself", "Leave the field out where the file is written.");
    }

    private AvroType Define(string kind, JsonElement schema, JsonElement annotated, string path, string space)
    {
        var name = Text(schema, "name") ?? throw Broken(path, $"is of the type {kind} without a name");
        var full = Full(name, Text(schema, "namespace") ?? space);
        if (!_named.TryAdd(full, null))
        {
            throw Broken(path, $"defines '{full}' once more");
        }

        var type = kind switch
        {
            "record" => Record(schema, path, full.LastIndexOf('.') is >= 0 and var end ? full[..end] : ""),
            "enum" => Enum(schema, path),
            _ => Fixed(schema, annotated, path),
        };
        _named[full] = type;
        return type;
    }

    private AvroType Record(JsonElement schema, string path, string space)
    {
        var (fields, count, depth) = Fields(schema, $"{path}.", space);
        if (fields.Count == 0)
        {
            throw Unfit(path, "is a record without fields", "Leave the field out where the file is written.");
        }

        var type = new StructType([.. fields.Select(static field => new Field(field.Name, field.Type.Arrow, nullable: true))]);
        var record = new AvroType(type, fields.Sum(static field => field.Type.Width), fields.Sum(static field => field.Type.Least),
            () => new AvroColumn.Record(type, [.. fields.Select(static field => field.Type.Open())]));
        return record with { Count = count, Depth = depth };
    }

    private (IReadOnlyList<(string Name, AvroType Type)> Fields, long Count, int Depth) Fields(JsonElement schema, string prefix, string space)
    {
        if (!schema.TryGetProperty("fields", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            throw Broken(prefix.TrimEnd('.'), "is a record without a list of fields");
        }

        if (prefix.Length == 0)
        {
            // The record of the rows: what stands in it may refer to it, which is no column then.
            var full = Full(Text(schema, "name") ?? "", Text(schema, "namespace") ?? space);
            _named[full] = null;
            space = full.LastIndexOf('.') is >= 0 and var end ? full[..end] : "";
        }

        var fields = new List<(string Name, AvroType Type)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var (count, depth) = (1L, 1);
        foreach (var field in list.EnumerateArray())
        {
            var name = (field.ValueKind == JsonValueKind.Object ? Text(field, "name") : null) ?? throw Broken(prefix.TrimEnd('.'), "has a field without a name");
            if (!names.Add(name))
            {
                throw Broken(prefix + name, "is there twice");
            }

            var type = field.TryGetProperty("type", out var declared) ? Read(declared, prefix + name, space) : throw Broken(prefix + name, "has no type");
            fields.Add((name, type));
            (count, depth) = (count + type.Count, Math.Max(depth, type.Depth + 1));
            CheckSize(prefix + name, count, depth);
        }

        return (fields, count, depth);
    }

    private static AvroType Enum(JsonElement schema, string path)
    {
        if (!schema.TryGetProperty("symbols", out var list) || list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(static symbol => symbol.ValueKind != JsonValueKind.String))
        {
            throw Broken(path, "is an enum without a list of symbols");
        }

        byte[][] symbols = [.. list.EnumerateArray().Select(static symbol => Encoding.UTF8.GetBytes(symbol.GetString()!))];
        return new AvroType(StringType.Default, 12, 1, () => new AvroColumn.Symbols(symbols));
    }

    private AvroType Fixed(JsonElement schema, JsonElement annotated, string path)
    {
        if (!schema.TryGetProperty("size", out var given) || given.ValueKind != JsonValueKind.Number || !given.TryGetInt32(out var size) || size is < 1 or > WidestFixed)
        {
            throw Broken(path, $"is a fixed whose size is not 1 to {WidestFixed.ToString(CultureInfo.InvariantCulture)} bytes");
        }

        var logical = Text(annotated, "logicalType");
        if (logical == "decimal" && Decimal(annotated, path) is { } number)
        {
            return new AvroType(number, 16, size, () => new AvroColumn.Decimals(number, size));
        }

        if (logical == "uuid" && size == 16)
        {
            return new AvroType(StringType.Default, 48, 16, static () => new AvroColumn.Uuids());
        }

        var type = new FixedSizeBinaryType(size);
        return new AvroType(type, size, size, () => new AvroColumn.Fixed(type));
    }

    private AvroType Items(bool isMap, JsonElement schema, string path, string space)
    {
        if (!schema.TryGetProperty(isMap ? "values" : "items", out var inner))
        {
            throw Broken(path, isMap ? "is a map without values" : "is an array without items");
        }

        var item = Read(inner, isMap ? $"{path}{{}}" : $"{path}[]", space);
        if (!isMap && item.Least == 0)
        {
            throw Unfit(path, "is an array whose items have no content", "Leave the field out where the file is written.");
        }

        // Room for 64 KiB of items at first: it grows.
        var likely = (int)Math.Clamp((1 << 16) / Math.Max(1, item.Width), 1, 1024);
        AvroType type;
        if (isMap)
        {
            var entries = new StructType([new Field("key", StringType.Default, nullable: false), new Field("value", item.Arrow, nullable: true)]);
            var map = new MapType(entries.Fields[0], entries.Fields[1]);
            type = new AvroType(map, 4, 1, () => new AvroColumn.Items(map, new AvroColumn.Record(entries, [new AvroColumn.Text(), item.Open()]), item.Least + 1, likely));
        }
        else
        {
            var list = new ListType(new Field("item", item.Arrow, nullable: true));
            type = new AvroType(list, 4, 1, () => new AvroColumn.Items(list, item.Open(), item.Least, likely));
        }

        CheckSize(path, item.Count + 1, item.Depth + 1);
        return type with { Count = item.Count + 1, Depth = item.Depth + 1 };
    }

    private AvroType Union(JsonElement schema, string path, string space)
    {
        var (value, nulls, number) = (-1, -1, 0);
        foreach (var branch in schema.EnumerateArray())
        {
            var isNull = branch.ValueKind == JsonValueKind.String ? branch.ValueEquals("null") : branch.ValueKind == JsonValueKind.Object && Text(branch, "type") == "null";
            if ((isNull ? nulls : value) >= 0)
            {
                throw Unfit(path, isNull ? "is a union that has null twice" : "is a union of several types", "A column has one type, which may be null: write the file so.");
            }

            (value, nulls) = isNull ? (value, number) : (number, nulls);
            number++;
        }

        if (value < 0 && nulls < 0)
        {
            throw Broken(path, "is a union of nothing");
        }

        // Of null alone: the number of its branch is there all the same.
        var (at, other) = value >= 0 ? (value, nulls) : (nulls, -1);
        var inner = Read(schema[at], path, space);
        return inner with { Least = 1, Open = () => new AvroColumn.Union(inner.Open(), at, other) };
    }

    private Decimal128Type? Decimal(JsonElement schema, string path)
    {
        var scale = 0;
        if (!schema.TryGetProperty("precision", out var digits) || digits.ValueKind != JsonValueKind.Number || !digits.TryGetInt32(out var precision) || precision < 1
            || (schema.TryGetProperty("scale", out var behind) && (behind.ValueKind != JsonValueKind.Number || !behind.TryGetInt32(out scale) || scale < 0 || scale > precision)))
        {
            return null;
        }

        return precision <= 38 ? new Decimal128Type(precision, scale)
            : throw Unfit(path, FormattableString.Invariant($"is a decimal of {precision} digits"), "A column has up to 38: write fewer, or the number as a text.");
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Full(string name, string space) => name.Contains('.', StringComparison.Ordinal) || space.Length == 0 ? name : $"{space}.{name}";

    private void CheckSize(string path, long count, int depth)
    {
        if (count > MostTypes || depth > Deepest)
        {
            throw Unfit(path, depth > Deepest ? $"is more than {Deepest} types deep" : FormattableString.Invariant($"is beyond the {MostTypes} types that a file may have"), "Write fewer columns.");
        }
    }

    private static InvalidDataException Broken(string path, string what) => new(path.Length == 0 ? $"its schema {what}" : $"the field '{path}' of its schema {what}");

    private GristmillException Unfit(string path, string what, string hint) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"The field '{path}' of '{_file}' {what}, which no column has.", hint).With("file", _file).With("column", path);
}
