using System.Text;
using System.Text.RegularExpressions;

namespace Gristmill;

/// <summary>Names of pipelines, stages and parameters, and how they are made of C# identifiers.</summary>
internal static partial class NameRules
{
    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex Allowed();

    [GeneratedRegex(@"^@?[\p{L}_][\p{L}\p{Nd}_]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Identifier();

    /// <summary>Refuses a name outside the alphabet.</summary>
    public static void Require(string name, string what)
    {
        if (name is null || !Allowed().IsMatch(name))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{name}' is not a {what} name.",
                "Use letters, digits, '-', '_' and '.', at most 64, starting with a letter or digit.");
        }
    }

    public static bool IsAllowed(string name) => Allowed().IsMatch(name);

    /// <summary>The expression if it is one plain identifier, else null.</summary>
    public static string? AsIdentifier(string? expression) =>
        expression is not null && Identifier().IsMatch(expression) ? expression.TrimStart('@') : null;

    /// <summary>"trainMlp" and "TrainMlp" as "train-mlp"; null if nothing usable is left.</summary>
    public static string? Kebab(string? identifier)
    {
        if (identifier is null)
        {
            return null;
        }

        var text = new StringBuilder(identifier.Length + 4);
        for (var i = 0; i < identifier.Length; i++)
        {
            var c = identifier[i];
            if (!char.IsAsciiLetterOrDigit(c))
            {
                if (text.Length > 0 && text[^1] != '-')
                {
                    text.Append('-');
                }

                continue;
            }

            var startsWord = char.IsAsciiLetterUpper(c) && i > 0
                && (char.IsAsciiLetterLower(identifier[i - 1]) || char.IsAsciiDigit(identifier[i - 1])
                    || (i + 1 < identifier.Length && char.IsAsciiLetterLower(identifier[i + 1])));
            if (startsWord && text.Length > 0 && text[^1] != '-')
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(c));
        }

        var name = text.ToString().Trim('-');
        return name.Length == 0 ? null : name[..Math.Min(name.Length, 64)];
    }

    /// <summary>The elements of a collection expression's text, "[trees, mlp]", where each is one identifier; else nulls.</summary>
    public static string?[] Elements(string? expression, int count)
    {
        if (expression is not null && expression.StartsWith('[') && expression.EndsWith(']'))
        {
            var parts = expression[1..^1].Split(',', StringSplitOptions.TrimEntries);
            if (parts.Length == count)
            {
                return [.. parts.Select(AsIdentifier)];
            }
        }

        return new string?[count];
    }
}
