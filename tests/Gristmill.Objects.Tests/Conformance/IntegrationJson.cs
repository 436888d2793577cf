using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Conformance;

/// <summary>
/// A table in the JSON format of Arrow's integration tests
/// (https://arrow.apache.org/docs/format/Integration.html), the twin of the same table in IPC. Ids of dictionaries are each
/// writer's own: the official files have others than their twins.
/// </summary>
internal sealed class IntegrationJson
{
    private readonly JsonElement[] _fields;
    private readonly JsonElement _root;
    private readonly Dictionary<long, JsonElement> _dictionaryColumns = [];
    private readonly Dictionary<(long, string), JsonColumn> _dictionaries = [];

    private IntegrationJson(JsonElement root)
    {
        _root = root;
        _fields = [.. root.GetProperty("schema").GetProperty("fields").EnumerateArray()];
        if (root.TryGetProperty("dictionaries", out var dictionaries))
        {
            foreach (var dictionary in dictionaries.EnumerateArray())
            {
                _dictionaryColumns.Add(dictionary.GetProperty("id").GetInt64(), dictionary.GetProperty("data").GetProperty("columns")[0]);
            }
        }
    }

    /// <summary>Reads a file, unfolding it if it ends in .gz.</summary>
    public static IntegrationJson Read(string path)
    {
        using var file = File.OpenRead(path);
        using Stream content = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var document = JsonDocument.Parse(content);
        return new IntegrationJson(document.RootElement.Clone());
    }

    public static IntegrationJson Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return new IntegrationJson(document.RootElement.Clone());
    }

    /// <summary>What of a table is not as it stands here; empty if all is, to the last value and bit.</summary>
    public IEnumerable<string> Differences(Schema schema, IReadOnlyList<RecordBatch> batches)
    {
        foreach (var (expected, actual) in Aligned([.. SchemaLines()], [.. SchemaText.Of(schema)]))
        {
            if (expected != actual)
            {
                yield return $"schema: '{actual}' in place of '{expected}'";
            }
        }

        JsonElement[] wanted = [.. _root.GetProperty("batches").EnumerateArray()];
        if (wanted.Length != batches.Count)
        {
            yield return $"{batches.Count} batches in place of {wanted.Length}";
        }

        for (int b = 0; b < Math.Min(wanted.Length, batches.Count); b++)
        {
            int rows = wanted[b].GetProperty("count").GetInt32();
            if (rows != batches[b].Length || batches[b].ColumnCount != _fields.Length)
            {
                yield return $"batch {b}: {batches[b].Length} rows of {batches[b].ColumnCount} columns in place of {rows} of {_fields.Length}";
                continue;
            }

            for (int c = 0; c < _fields.Length; c++)
            {
                if (Difference(new JsonColumn(this, _fields[c], wanted[b].GetProperty("columns")[c]), batches[b].Column(c).Data, rows) is { } difference)
                {
                    yield return $"batch {b}, column {c} '{_fields[c].GetProperty("name")}': {difference}";
                }
            }
        }
    }

    /// <summary>The values of a dictionary as a field means them.</summary>
    internal JsonColumn Dictionary(long id, JsonElement field)
    {
        string type = field.GetProperty("type").GetRawText();
        if (!_dictionaries.TryGetValue((id, type), out var known))
        {
            known = new JsonColumn(this, field, _dictionaryColumns[id], encoded: false);
            _dictionaries.Add((id, type), known);
        }

        return known;
    }

    private static string? Difference(JsonColumn column, ArrayData data, int rows)
    {
        int nulls = 0;
        for (int i = 0; i < rows; i++)
        {
            string expected = column.Value(i), actual = ArrayText.Of(data, i);
            if (expected != actual)
            {
                return $"value {i} is {actual} in place of {expected}";
            }

            nulls += column.IsNull(i) ? 1 : 0;
        }

        // Unions and run-end encoded columns have nulls in their children alone.
        return Layout.Of(data.DataType).HasValidity && data.GetNullCount() != nulls ? $"{data.GetNullCount()} nulls are counted, there are {nulls}" : null;
    }

    private static IEnumerable<(string? Expected, string? Actual)> Aligned(string[] expected, string[] actual) =>
        Enumerable.Range(0, Math.Max(expected.Length, actual.Length)).Select(i => (expected.ElementAtOrDefault(i), actual.ElementAtOrDefault(i)));

    private IEnumerable<string> SchemaLines() =>
        _fields.SelectMany(field => Lines(field, "")).Append(Metadata(_root.GetProperty("schema")));

    private static IEnumerable<string> Lines(JsonElement field, string indent)
    {
        bool encoded = field.TryGetProperty("dictionary", out var dictionary);
        yield return SchemaText.Line(indent, field.GetProperty("name").GetString() ?? "", Type(field.GetProperty("type")), field.GetProperty("nullable").GetBoolean(),
            encoded ? Type(dictionary.GetProperty("indexType")) : null, encoded && dictionary.TryGetProperty("isOrdered", out var ordered) && ordered.GetBoolean(), Metadata(field));
        foreach (string line in Children(field).SelectMany(child => Lines(child, indent + "  ")))
        {
            yield return line;
        }
    }

    internal static IEnumerable<JsonElement> Children(JsonElement parent) =>
        parent.TryGetProperty("children", out var children) && children.ValueKind == JsonValueKind.Array ? children.EnumerateArray() : [];

    private static string Metadata(JsonElement holder) => SchemaText.Metadata(
        holder.TryGetProperty("metadata", out var pairs) && pairs.ValueKind == JsonValueKind.Array
            ? pairs.EnumerateArray().Select(pair => KeyValuePair.Create(pair.GetProperty("key").GetString()!, pair.GetProperty("value").GetString()!))
            : []);

    private static string Type(JsonElement type)
    {
        string name = type.GetProperty("name").GetString()!;
        string Text(string key) => type.TryGetProperty(key, out var value) ? value.ToString() : "";
        return name switch
        {
            "int" => $"{(type.GetProperty("isSigned").GetBoolean() ? "" : "u")}int{Text("bitWidth")}",
            "floatingpoint" => Text("precision") switch { "HALF" => "float16", "SINGLE" => "float32", _ => "float64" },
            "decimal" => $"decimal{(Text("bitWidth") is { Length: > 0 } bits ? bits : "128")}({Text("precision")}, {Text("scale")})",
            "decimal32" or "decimal64" or "decimal256" => $"{name}({Text("precision")}, {Text("scale")})",
            "date" or "duration" or "interval" => $"{name} {Text("unit")}",
            "time" => $"time{Text("bitWidth")} {Text("unit")}",
            "timestamp" => $"timestamp {Text("unit")} {Text("timezone")}",
            "fixedsizebinary" => $"{name}({Text("byteWidth")})",
            "fixedsizelist" => $"{name}({Text("listSize")})",
            "map" => type.GetProperty("keysSorted").GetBoolean() ? "map sorted" : "map",
            "union" => $"union {Text("mode").ToUpper(CultureInfo.InvariantCulture)} {string.Join(',', type.GetProperty("typeIds").EnumerateArray())}",
            _ => name,
        };
    }
}
