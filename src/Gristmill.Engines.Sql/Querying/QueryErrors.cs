using System.Globalization;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>What DuckDB says of a user's query, with the place in it.</summary>
public static class QueryErrors
{
    /// <summary>Makes the exception of an error.</summary>
    /// <param name="error">What DuckDB says.</param>
    /// <param name="query">The user's text.</param>
    /// <param name="inputs">Names of the tables that the query may read.</param>
    /// <param name="cancellationToken">Tells an interrupted query from one that failed.</param>
    /// <param name="offset">Bytes before the user's text in what DuckDB was given.</param>
    public static Exception Explain(DuckError error, string query, IEnumerable<string> inputs, CancellationToken cancellationToken, int offset = 0)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (error.Common(cancellationToken) is { } common)
        {
            return common;
        }

        var message = $"{error.Type} Error: {error.Message}";
        var place = error.Position is { } position ? QueryText.Locate(query, position - offset) : default;
        if (error.Position is not null)
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"LINE {place.Line}: ");
            message += $"\n\n{prefix}{place.Text}\n{new string(' ', prefix.Length + place.Column - 1)}^";
        }

        var exception = new GristmillException(ErrorCodes.Sql, message, Hint(error, inputs));
        if (error.Candidates is { Length: > 0 } candidates)
        {
            exception.With("candidates", candidates);
        }

        return error.Position is null
            ? exception
            : exception.With("position", Number(place.Offset + 1)).With("line", Number(place.Line)).With("column", Number(place.Column));
    }

    internal static Exception Explain(DuckError error, string query, StageContext context, CancellationToken cancellationToken) => Explain(error, query,
        context.Request.Inputs.Where(input => input.Value.Kind is ArtifactKind.Dataset or ArtifactKind.Collection).Select(input => input.Key), cancellationToken);

    private static string Hint(DuckError error, IEnumerable<string> inputs)
    {
        if (error.Is("Permission"))
        {
            return "A query reads its inputs only: read files in a stage of their own (sql.read) and connect it.";
        }

        return error.Candidates is { Length: > 0 } candidates
            ? $"Did you mean {candidates}?"
            : $"The inputs are: {string.Join(", ", inputs.Order(StringComparer.Ordinal).DefaultIfEmpty("none"))}.";
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
