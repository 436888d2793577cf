using System.Text.RegularExpressions;

namespace Gristmill.Data.Planning;

/// <summary>Reads DuckDB's physical plans.</summary>
internal static partial class SqlPlans
{
    /// <summary>Whether rows only pass through: no operator gathers, sorts or joins them.</summary>
    public static bool OnlyPasses(string json)
    {
        var operators = Operator().Matches(json).Select(static match => match.Groups["name"].Value.Trim()).ToList();
        return operators.Count > 0 && operators.TrueForAll(static name =>
            name is "PROJECTION" or "FILTER" or "STREAMING_LIMIT" or "TABLE_SCAN" or "SEQ_SCAN"
            || name.StartsWith("READ_", StringComparison.Ordinal) || name.StartsWith("GRISTMILL_", StringComparison.Ordinal) || name.StartsWith("PARQUET_SCAN", StringComparison.Ordinal));
    }

    [GeneratedRegex("\"name\": ?\"(?<name>[^\"]*)\"", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Operator();
}
