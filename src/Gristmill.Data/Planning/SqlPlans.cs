using System.Text.RegularExpressions;

namespace Gristmill.Data.Planning;

/// <summary>Whether rows only pass through a query.</summary>
internal enum SqlPassing
{
    /// <summary>It gathers, sorts, joins or numbers them.</summary>
    No,
    /// <summary>Only the first ones do.</summary>
    Limited,
    /// <summary>Each by itself, so that parts of the rows give parts of the result.</summary>
    Free,
}

/// <summary>Reads DuckDB's physical plans.</summary>
internal static partial class SqlPlans
{
    public static SqlPassing Passing(string json)
    {
        var operators = Operator().Matches(json).Select(static match => match.Groups["name"].Value.Trim()).ToList();
        var passes = operators.Count > 0 && operators.TrueForAll(static name =>
            name is "PROJECTION" or "FILTER" or "STREAMING_LIMIT" or "TABLE_SCAN" or "SEQ_SCAN"
            || name.StartsWith("READ_", StringComparison.Ordinal) || name.StartsWith("GRISTMILL_", StringComparison.Ordinal) || name.StartsWith("PARQUET_SCAN", StringComparison.Ordinal));
        return !passes ? SqlPassing.No : operators.Contains("STREAMING_LIMIT") ? SqlPassing.Limited : SqlPassing.Free;
    }

    [GeneratedRegex("\"name\": ?\"(?<name>[^\"]*)\"", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Operator();
}
