using System.Globalization;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>What DuckDB says of a user's query, with the place in it.</summary>
internal static class QueryErrors
{
    public static Exception Explain(DuckError error, string query, StageContext context, CancellationToken cancellationToken)
    {
        if (error.Common(cancellationToken) is { } common)
        {
            return common;
        }

        var message = $"{error.Type} Error: {error.Message}";
        var place = error.Position is { } position ? QueryText.Locate(query, position) : default;
        if (error.Position is not null)
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"LINE {place.Line}: ");
            message += $"\n\n{prefix}{place.Text}\n{new string(' ', prefix.Length + place.Column - 1)}^";
        }

        var exception = new GristmillException(ErrorCodes.Sql, message, Hint(error, context));
        if (error.Candidates is { Length: > 0 } candidates)
        {
            exception.With("candidates", candidates);
        }

        return error.Position is null
            ? exception
            : exception.With("position", Number(place.Offset + 1)).With("line", Number(place.Line)).With("column", Number(place.Column));
    }

    private static string Hint(DuckError error, StageContext context)
    {
        if (error.Is("Permission"))
        {
            return "A query reads its inputs only: read files in a stage of their own (sql.read) and connect it.";
        }

        var inputs = context.Request.Inputs.Where(input => input.Value.Kind is ArtifactKind.Dataset or ArtifactKind.Collection).Select(input => input.Key).Order(StringComparer.Ordinal);
        return error.Candidates is { Length: > 0 } candidates
            ? $"Did you mean {candidates}?"
            : $"The inputs are: {string.Join(", ", inputs.DefaultIfEmpty("none"))}.";
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
