using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>The rules of a check: <c>c => c.RowsBetween(1, null).NotNull("date").InRange("distance", 0, 6000)</c>. All are looked at in one pass over the table.</summary>
public sealed class CheckRules
{
    private readonly List<Func<JsonNode>> _rules = [];

    internal CheckRules()
    {
    }

    internal IReadOnlyList<Func<JsonNode>> Rules => _rules;

    /// <summary>The table has so many rows.</summary>
    /// <param name="min">Fewest; null: any.</param>
    /// <param name="max">Most; null: any.</param>
    public CheckRules RowsBetween(Value<long>? min, Value<long>? max) => Add("rows", rule => rule.Set("min", min).Set("max", max));

    /// <summary>No value of the columns is null.</summary>
    public CheckRules NotNull(params string[] columns) => Each(columns, column => Add("notNull", rule => rule.Set("column", column)));

    /// <summary>Values of a column lie in a range; nulls do.</summary>
    /// <param name="column">The column.</param>
    /// <param name="min">Least; null: none.</param>
    /// <param name="max">Greatest; null: none.</param>
    public CheckRules InRange(string column, Value<double>? min, Value<double>? max) => Add("range", rule => rule.Set("column", column).Set("min", min).Set("max", max));

    /// <summary>Dates of a column lie in a range; nulls do.</summary>
    /// <param name="column">The column.</param>
    /// <param name="min">First; null: none.</param>
    /// <param name="max">Last; null: none.</param>
    public CheckRules InRange(string column, Value<DateOnly>? min, Value<DateOnly>? max) => Add("range", rule => rule.Set("column", column)
        .Set("min", min is { } first ? new JsonObject { ["$date"] = first.ToNode() } : null)
        .Set("max", max is { } last ? new JsonObject { ["$date"] = last.ToNode() } : null));

    /// <summary>Values of a column are among some; nulls are.</summary>
    public CheckRules OneOf(string column, params string[] values) => Add("oneOf", rule => rule.Set("column", column).Set("values", new JsonArray([.. values.Select(static v => (JsonNode)v)])));

    /// <summary>No two rows have the same values in the columns; rows with a null in them do not count.</summary>
    public CheckRules Unique(params string[] columns) => Add("unique", rule => rule.Set("columns", new JsonArray([.. columns.Select(static c => (JsonNode)c)])));

    /// <summary>The newest value of a time column is not older than that when the stage runs. Times without a zone are UTC.</summary>
    public CheckRules Fresh(string column, TimeSpan maxAge) => Add("fresh", rule => rule.Set("column", column).Set("maxAge", maxAge.ToString("c", System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>The columns are there and have these types; others may be there, too.</summary>
    public CheckRules Schema(params (string Column, CheckColumn Type)[] columns) => Add("schema", rule =>
        rule.Set("schema", new JsonObject(columns.Select(static c => KeyValuePair.Create(c.Column, (JsonNode?)c.Type.ToString().ToLowerInvariant())))));

    /// <summary>A condition in SQL over the columns of a row holds for every row, such as "arrival &gt;= departure".</summary>
    public CheckRules Where(string sql) => Add("where", rule => rule.Set("sql", sql));

    private CheckRules Add(string kind, Func<JsonObject, JsonObject> fill)
    {
        _rules.Add(() => fill(new JsonObject { ["kind"] = kind }));
        return this;
    }

    private CheckRules Each(string[] columns, Action<string> add)
    {
        Array.ForEach(columns, add);
        return this;
    }
}
