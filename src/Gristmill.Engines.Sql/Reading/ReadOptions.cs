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

    /// <summary>Of CSV files: what is done about rows that cannot be read.</summary>
    /// <value>The stage fails with the first.</value>
    public BadRows OnError { get; init; }
}

/// <summary>What is done about rows that cannot be read: too few or too many fields, a value that is not of its column's type, text that is not UTF-8.</summary>
public enum BadRows
{
    /// <summary>The stage fails and names the row and the reason.</summary>
    Fail,
    /// <summary>They are left out, and counted as "badRows" in the output "metrics".</summary>
    Skip,
    /// <summary>They are left out and counted, and are the output "bad": file, line, column, reason, text.</summary>
    Quarantine,
}
