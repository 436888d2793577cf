using System.Globalization;
using System.Text;

namespace Gristmill;

/// <summary>What names and values may be: those of MLflow, so that what is logged here can be shown there.</summary>
public static class TrackRules
{
    /// <summary>Characters of a name.</summary>
    public const int MaxName = 250;
    /// <summary>Characters of a parameter's or a tag's value.</summary>
    public const int MaxValue = 6000;
    /// <summary>Metrics one attempt may have.</summary>
    public const int MaxMetrics = 10_000;

    /// <summary>The rule for names in words.</summary>
    public const string NameRule =
        "a name has letters, digits, '_', '-', '.', ' ', ':', '@' and '/', at most 250 of them, and '/' separates parts that are neither empty, '.' nor '..'";

    /// <summary>Whether a text is a name of a metric, parameter, tag or figure, or a path of an artifact.</summary>
    public static bool IsName(string? name)
    {
        if (name is null || name.Length is 0 or > MaxName)
        {
            return false;
        }

        foreach (var rune in name.EnumerateRunes())
        {
            // EnumerateRunes gives U+FFFD for half a surrogate pair, which is no letter.
            if (!Rune.IsLetterOrDigit(rune) && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark)
                && rune.Value is not ('_' or '-' or '.' or ' ' or ':' or '/' or '@'))
            {
                return false;
            }
        }

        foreach (var part in name.AsSpan().Split('/'))
        {
            if (name.AsSpan()[part].Trim(' ') is "" or "." or "..")
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Throws unless a text is a name.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static void RequireName(string? name, string what)
    {
        if (!IsName(name))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{Short(name)}' is not a {what} name: {NameRule}.", "Choose another name.").With("name", Short(name));
        }
    }

    /// <summary>Throws unless a text is a path of an artifact.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static void RequirePath(string? path)
    {
        if (!IsName(path))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{Short(path)}' is not a path of an artifact: {NameRule}.", "Choose another path.").With("path", Short(path));
        }
    }

    /// <summary>Throws unless name and value are such.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static void Require(string? name, string? value, string what)
    {
        RequireName(name, what);
        if (value is null || value.Length > MaxValue)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                value is null ? $"The {what} '{name}' has the value null." : $"The value of {what} '{name}' has {value.Length} characters; at most {MaxValue} are kept.",
                "Log long texts as an artifact.").With("name", name!);
        }
    }

    private static string Short(string? text) => text is null ? "null" : text.Length <= 60 ? text : text[..57] + "...";
}
