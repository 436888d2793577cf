namespace Gristmill;

/// <summary>What runs are ordered by: <c>metrics.auc desc</c>, <c>params.epochs</c>, <c>created</c>. Runs that lack it, or whose metric is NaN, come last.</summary>
/// <param name="Field">The field.</param>
/// <param name="Descending">Largest first.</param>
public sealed record RunOrder(RunField Field, bool Descending)
{
    /// <summary>Newest first.</summary>
    public static RunOrder Newest { get; } = new(new RunField(RunFieldKind.Attribute, "id"), Descending: true);

    /// <summary>Reads an order.</summary>
    /// <param name="text">The order; null or blank for <see cref="Newest"/>.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, with the position.</exception>
    public static RunOrder Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return Newest;
        }

        if (text.Length > RunFilter.MaxLength)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The order has {text.Length} characters; at most {RunFilter.MaxLength} are possible.", "Name one field.");
        }

        var lexer = new FilterLexer(text, "order");
        var field = RunFilter.Field(lexer.Next(), lexer);
        var direction = lexer.Next();
        if (direction.Kind == FilterTokenKind.End)
        {
            return new RunOrder(field, Descending: false);
        }

        var descending = direction.Kind == FilterTokenKind.Word
            ? direction.Text.ToLowerInvariant() switch { "desc" => true, "asc" => false, _ => (bool?)null }
            : null;
        if (descending is not { } down)
        {
            throw lexer.Refuse(direction.At, $"'asc' or 'desc' is expected, not '{direction.Text}'");
        }

        var rest = lexer.Next();
        return rest.Kind == FilterTokenKind.End ? new RunOrder(field, down) : throw lexer.Refuse(rest.At, "runs are ordered by one field");
    }
}
