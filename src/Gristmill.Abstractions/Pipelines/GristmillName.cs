using System.Text.RegularExpressions;

namespace Gristmill;

/// <summary>The rule for names of pipelines, stages, parameters, models and deployments.</summary>
public static partial class GristmillName
{
    /// <summary>The rule in words, to end an error message with.</summary>
    public const string Rule = "a name has letters, digits, '-', '_' and '.', at most 64 of them, and starts with a letter or digit";

    /// <summary>Whether a text is a name.</summary>
    public static bool IsValid(string? name) => name is not null && Pattern().IsMatch(name);

    /// <summary>Throws unless a text is a name.</summary>
    /// <param name="name">The text.</param>
    /// <param name="what">What it should name, such as "model".</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static void Require(string? name, string what)
    {
        if (!IsValid(name))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{name}' is not a {what} name: {Rule}.", "Choose another name.").With("name", name ?? "");
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
