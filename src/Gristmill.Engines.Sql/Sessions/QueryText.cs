using System.Text;

namespace Gristmill.Engines.Sql.Sessions;

/// <summary>Quoting, and finding places in a query.</summary>
public static class QueryText
{
    /// <summary>A name as an identifier.</summary>
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A text as a string literal. DuckDB's plain literals know no escapes but the doubled quote.</summary>
    public static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Turns DuckDB's byte offset into line and column, both from 1, and the text of the line.</summary>
    public static (int Offset, int Line, int Column, string Text) Locate(string query, int byteOffset)
    {
        var utf8 = Encoding.UTF8.GetBytes(query);
        var offset = Encoding.UTF8.GetCharCount(utf8, 0, Math.Clamp(byteOffset, 0, utf8.Length));
        var start = offset == 0 ? 0 : query.LastIndexOf('\n', offset - 1) + 1;
        var end = query.IndexOf('\n', offset);
        var line = 1 + query.AsSpan(0, start).Count('\n');
        return (offset, line, offset - start + 1, query[start..(end < 0 ? query.Length : end)].TrimEnd('\r'));
    }
}
