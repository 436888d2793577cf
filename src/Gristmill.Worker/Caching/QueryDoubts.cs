using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gristmill.Worker;

/// <summary>
/// Finds what makes a query's answer depend on more than its inputs. It looks at words, so a text that
/// holds one is taken for a call: that costs an execution, the other way round would cost a right answer.
/// </summary>
internal static partial class QueryDoubts
{
    /// <summary>Why a query may answer the same question differently, or null.</summary>
    public static string? Of(JsonElement options) =>
        options.TryGetProperty("query", out var query) && query.ValueKind == JsonValueKind.String
        && Words().Match(query.GetString()!) is { Success: true } found
            ? $"its query has '{found.Value.TrimEnd('(', ' ', '\'').ToLowerInvariant()}', so that the same inputs may give another answer; cache policy 'on' overrules this"
            : null;

    // DuckDB's volatile functions, what reads files or settings, and samples.
    [GeneratedRegex(
        @"\b(random|setseed|uuid|uuidv4|uuidv7|gen_random_uuid|now|today|get_current_timestamp|get_current_time|transaction_timestamp|age|nextval|currval|txid_current"
        + @"|getenv|current_setting|read_\w+|parquet_\w+|sniff_csv|glob)\s*\(|\b(current_timestamp|current_date|current_time|localtime|localtimestamp)\b"
        + @"|\busing\s+sample\b|\btablesample\b|\b(from|join)\s+'|,\s*'[^']*\.(parquet|csv|json)'",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
