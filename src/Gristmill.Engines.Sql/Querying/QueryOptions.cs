using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>
/// Options of "sql.query". Every dataset input is a view of its input name, and so are the datasets that the items of a loop made, one
/// after the other; the output is "out". The order of the rows
/// is that of the inputs unless the query says otherwise; after GROUP BY, DISTINCT or a join it is not defined.
/// </summary>
public sealed record QueryOptions
{
    /// <summary>One SELECT (or VALUES, FROM, WITH, DESCRIBE, SUMMARIZE) in DuckDB's dialect. It reads its inputs and nothing else.</summary>
    public required string Query { get; init; }

    /// <summary>
    /// Values of the query's parameters: "until" is $until. Bound with their types, never as text: JSON null, booleans,
    /// strings, numbers (INTEGER, BIGINT, HUGEINT or DOUBLE), arrays of one type (a list), and, for what JSON has no
    /// literal of, {"$date": "2001-04-01"}, {"$time": "13:30:00"}, {"$timestamp": "2001-04-01T13:30:00"} (with an
    /// offset or Z: an instant), {"$decimal": "1.50"}, {"$double": "NaN"}, {"$blob": "base64"}.
    /// </summary>
    /// <value>None.</value>
    public ImmutableDictionary<string, JsonElement> Values { get; init; } = ImmutableDictionary<string, JsonElement>.Empty;
}
