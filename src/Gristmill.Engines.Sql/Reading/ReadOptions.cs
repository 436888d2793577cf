using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Engines.Sql.Reading;

/// <summary>Options of "sql.read". The output is "out".</summary>
public sealed record ReadOptions
{
    /// <summary>A file, a pattern with *, ** and ?, or a list of them; relative to the base folder of the pipeline.</summary>
    public required JsonElement Path { get; init; }

    /// <summary>"parquet", "csv" or "json" (an array of objects, or an object a line).</summary>
    /// <value>By the first file's extension: .parquet, .pq; .csv, .tsv, .txt; .json, .jsonl, .ndjson; the last six also with .gz or .zst.</value>
    public string? Format { get; init; }

    /// <summary>The columns to read, in this order.</summary>
    /// <value>All, in the file's order.</value>
    public ImmutableArray<string>? Columns { get; init; }
}
