using System.Runtime.CompilerServices;
using System.Text;
using Gristmill.Data.Planning;
using Gristmill.Engines;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data;

/// <summary>
/// A query written as an interpolated string. Nothing between its braces becomes text: a <see cref="DataFlow"/> or <see cref="Dataset"/> becomes the
/// name of a table over it, and everything else a bound value.
/// </summary>
[InterpolatedStringHandler]
public sealed class SqlTemplate
{
    private readonly StringBuilder _query;

    /// <summary>Called by the compiler.</summary>
    /// <param name="literalLength">Characters of text.</param>
    /// <param name="formattedCount">Number of braces.</param>
    public SqlTemplate(int literalLength, int formattedCount) => _query = new StringBuilder(literalLength + (formattedCount * 24));

    internal string Query => _query.ToString();

    internal List<SqlValue> Values { get; } = [];

    internal List<(string Name, FlowNode Node)> Tables { get; } = [];

    /// <summary>Called by the compiler: text.</summary>
    public void AppendLiteral(string text) => _query.Append(text);

    /// <summary>Called by the compiler: another flow.</summary>
    public void AppendFormatted(DataFlow flow, [CallerArgumentExpression(nameof(flow))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(flow);
        Table(flow.Node, expression);
    }

    /// <summary>Called by the compiler: a table.</summary>
    public void AppendFormatted(Dataset dataset, [CallerArgumentExpression(nameof(dataset))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        Table(DataFlow.From(dataset).Node, expression);
    }

    /// <summary>Called by the compiler: a value.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: its type cannot be bound.</exception>
    public void AppendFormatted<T>(T value, [CallerArgumentExpression(nameof(value))] string? expression = null)
    {
        // Of a type derived from it, this method is the better match.
        if (value is DataFlow flow)
        {
            Table(flow.Node, expression);
            return;
        }

        var bound = SqlValue.TryOf(value) ?? throw new GristmillException(ErrorCodes.Invalid, $"The query binds {{{expression}}}, a {typeof(T).Name}, which is no SQL value.",
            "Pass a flow, a dataset, text, a number, a bool, a date or an instant.");
        _query.Append("cast($gristmill_").Append(Values.Count).Append(" as ").Append(bound.Type).Append(')');
        Values.Add(bound);
    }

    private void Table(FlowNode node, string? expression)
    {
        var known = Tables.FindIndex(table => ReferenceEquals(table.Node, node));
        if (known < 0)
        {
            known = Tables.Count;
            var wish = expression is { Length: > 0 } && expression.All(static c => char.IsLetterOrDigit(c) || c == '_') && !expression.Equals("input", StringComparison.OrdinalIgnoreCase) ? expression : "table";
            var name = wish;
            // DuckDB's names do not tell case apart.
            for (var n = 2; Tables.Exists(table => table.Name.Equals(name, StringComparison.OrdinalIgnoreCase)); n++)
            {
                name = $"{wish}_{n}";
            }

            Tables.Add((name, node));
        }

        _query.Append(QueryText.Identifier(Tables[known].Name));
    }
}
