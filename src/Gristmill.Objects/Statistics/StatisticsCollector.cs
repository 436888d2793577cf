using System.Text.Json;
using System.Text.Json.Serialization;
using Apache.Arrow;

namespace Gristmill.Objects.Statistics;

/// <summary>Computes a table's statistics batch by batch.</summary>
internal sealed class StatisticsCollector(Schema schema)
{
    /// <summary>Columns described: what is said of each takes up to 2 KiB in the object.</summary>
    public const int MostColumns = 256;

    /// <summary>Rows a batch that are looked at for what is estimated.</summary>
    private const int Sample = 1 << 13;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private readonly ColumnCollector[] _columns = [.. schema.FieldsList.Take(MostColumns).Select(static field => ColumnCollector.Of(field.DataType))];
    private long _rows;

    public void Add(int rows, ArrayData[] columns)
    {
        _rows += rows;
        int level = 0;
        while (rows >> level > Sample)
        {
            level++;
        }

        for (int i = 0; i < _columns.Length; i++)
        {
            _columns[i].Add(ArrowArrayFactory.BuildArray(columns[i]), level);
        }
    }

    public string Finish() => JsonSerializer.Serialize(new TableStatistics(_rows, [.. _columns.Select((column, i) => column.Finish(schema.FieldsList[i].Name))]), s_json);

    /// <summary>Statistics as they stand in a footer; null if they are none.</summary>
    public static TableStatistics? Parse(string? text)
    {
        try
        {
            return text is null ? null : JsonSerializer.Deserialize<TableStatistics>(text, s_json);
        }
        catch (JsonException)
        {
            return null; // somebody else's
        }
    }
}
