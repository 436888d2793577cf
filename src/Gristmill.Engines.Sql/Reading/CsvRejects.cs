using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Reading;

/// <summary>Rows of CSV files that cannot be read. DuckDB leaves them out and keeps what was wrong in two tables of its session.</summary>
public static partial class CsvRejects
{
    /// <summary>The argument of its reader that asks for that.</summary>
    public const string Argument = ", store_rejects = true";

    // A row can be wrong in several ways; it is one row all the same.

    /// <summary>Tells what was left out by the reads before it: file, line, column, reason and text of each row.</summary>
    public const string Query = """
        select s.file_path as file, e.line::bigint as line,
               string_agg(distinct e.column_name, ', ' order by e.column_name) as "column",
               string_agg(distinct e.error_message, '; ' order by e.error_message) as reason,
               any_value(e.csv_line) as text
        from reject_errors e join reject_scans s using (scan_id, file_id)
        group by all
        order by file, line
        """;

    /// <summary>Adds what was left out by the read before it.</summary>
    internal static StageOutputs Add(StageOutputs outputs, StageContext context, DuckSession session, BadRows onError, Func<string, Exception> fail, CancellationToken cancellationToken)
    {
        var rows = outputs.Artifacts["out"].Dataset!;
        ObjectRef bad;
        try
        {
            using var statement = DuckStatement.Prepare(session, Query, fail);
            bad = statement.Run(context.Objects, cancellationToken);
        }
        catch
        {
            // A stage that fails leaves nothing behind.
            context.Objects.Delete(rows.Id);
            throw;
        }

        outputs.Add("metrics", Artifact.Of(ImmutableDictionary<string, double>.Empty.Add("rows", rows.Rows).Add("badRows", bad.Rows)));
        if (onError == BadRows.Quarantine)
        {
            return outputs.Add("bad", Artifact.Of(bad));
        }

        context.Objects.Delete(bad.Id);
        return outputs;
    }

    /// <summary>What DuckDB says of a row that it cannot read; null where it speaks of something else.</summary>
    public static GristmillException? Explain(string message)
    {
        Match match;
        try
        {
            match = Row().Match(message);
        }
        catch (RegexMatchTimeoutException)
        {
            // A row made to look like many errors: DuckDB's own words are shown then.
            return null;
        }

        if (!match.Success)
        {
            return null;
        }

        var (file, line, reason) = (match.Groups["file"].Value, match.Groups["line"].Value, match.Groups["reason"].Value.TrimEnd('.', ' '));
        return new GristmillException(ErrorCodes.FileFormat,
                string.Create(CultureInfo.InvariantCulture, $"'{file}', line {line}, cannot be read as CSV: {reason}."),
                "Correct the row; or have such rows left out (onError: skip) or set apart (onError: quarantine).")
            .With("file", file).With("line", line).With("reason", reason).With("text", match.Groups["text"].Value);
    }

    // The text may have line breaks of its own, in quotes: the reason begins with one of DuckDB's openings.
    [GeneratedRegex(
        @"^CSV Error on Line: (?<line>\d+)\nOriginal Line: (?<text>.*?)\n(?<reason>(?:Expected Number|Error when converting|Invalid unicode|Value with unterminated|Maximum line size|The CSV Parser)[^\n]*).*^ *file = (?<file>[^\n]*)$",
        RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Row();
}
