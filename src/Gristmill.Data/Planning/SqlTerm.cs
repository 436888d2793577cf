using System.Text;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Planning;

/// <summary>A place in a query: files, a stream or table of blocks, or a query over other terms.</summary>
internal sealed class SqlTerm(FlowNode node)
{
    /// <summary>What a query calls the step before it.</summary>
    public const string Input = "input";

    public FlowNode Node { get; } = node;

    /// <summary>Text that reads it, where it is no query.</summary>
    public string Source { get; set; } = "";

    /// <summary>The stream's name, if it is one.</summary>
    public string? Stream { get; set; }

    /// <summary>What the query reads, by name.</summary>
    public List<(string Name, SqlTerm Term)> Inputs { get; } = [];

    /// <summary>Names of the values of the query.</summary>
    public List<string> Values { get; } = [];

    /// <summary>Whether DuckDB keeps its rows, since a query reads it more than once and they pass once.</summary>
    public bool Kept { get; set; }

    /// <summary>Streams in it whose rows are not kept within it.</summary>
    public IEnumerable<string> OpenStreams =>
        (Stream is null ? [] : new[] { Stream }).Concat(Inputs.Where(static input => !input.Term.Kept).SelectMany(static input => input.Term.OpenStreams));

    /// <summary>The text, and where in it, in characters, each user's query stands.</summary>
    public string Write(List<(int Start, SqlNode Node, string Query)> places)
    {
        var text = new StringBuilder();
        Write(text, places);
        return text.ToString();
    }

    private void Write(StringBuilder text, List<(int Start, SqlNode Node, string Query)> places)
    {
        if (Node is not SqlNode sql)
        {
            text.Append(Source);
            return;
        }

        // In parentheses and on lines of its own, a query may end in a comment, and have a WITH of its own.
        text.Append("with ");
        for (var i = 0; i < Inputs.Count; i++)
        {
            text.Append(i == 0 ? "" : ", ").Append(QueryText.Identifier(Inputs[i].Name)).Append(Inputs[i].Term.Kept ? " as materialized (" : " as not materialized (");
            Inputs[i].Term.Write(text, places);
            text.Append(')');
        }

        var query = sql.Query.TrimEnd([' ', '\t', '\r', '\n', ';']);
        for (var i = Values.Count - 1; i >= 0; i--)
        {
            query = query.Replace(FormattableString.Invariant($"$gristmill_{i} as "), $"${Values[i]} as ", StringComparison.Ordinal);
        }

        text.Append(" select * from (\n");
        places.Add((text.Length, sql, query));
        text.Append(query).Append("\n)");
    }
}
