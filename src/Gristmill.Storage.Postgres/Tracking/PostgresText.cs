using System.Text;

namespace Gristmill.Storage.Postgres;

/// <summary>
/// Texts as PostgreSQL can hold them: it has no NUL, which becomes an escape that no writing has (and comes last in an order, not first), and nothing has half a
/// surrogate pair, which becomes U+FFFD as everywhere in UTF-8.
/// </summary>
internal static class PostgresText
{
    private const char Escape = '\uFFFF';
    private const string EscapedNul = "\uFFFF0", EscapedEscape = "\uFFFF1";

    public static string Encode(string text)
    {
        if (text.AsSpan().IndexOfAny('\0', Escape) >= 0)
        {
            text = text.Replace("\uFFFF", EscapedEscape, StringComparison.Ordinal).Replace("\0", EscapedNul, StringComparison.Ordinal);
        }

        return text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0 ? text : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
    }

    public static string Decode(string text) => text.Contains(Escape, StringComparison.Ordinal)
        ? text.Replace(EscapedNul, "\0", StringComparison.Ordinal).Replace(EscapedEscape, "\uFFFF", StringComparison.Ordinal)
        : text;
}
