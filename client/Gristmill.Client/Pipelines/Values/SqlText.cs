using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// A query written as an interpolated string. Nothing between its braces becomes text: a <see cref="Table"/> becomes the
/// name of a view over it, parameters, measured numbers and literals become bound values.
/// </summary>
[InterpolatedStringHandler]
public sealed class SqlText
{
    private readonly StringBuilder _query;
    private readonly List<(string Name, object? Source, Func<JsonNode?> Write)> _values = [];

    /// <summary>Called by the compiler.</summary>
    /// <param name="literalLength">Characters of text.</param>
    /// <param name="formattedCount">Number of braces.</param>
    public SqlText(int literalLength, int formattedCount) => _query = new StringBuilder(literalLength + (formattedCount * 12));

    internal List<(string Name, Table Table)> Tables { get; } = [];

    internal List<Scalar> Scalars { get; } = [];

    /// <summary>Stages whose values are bound.</summary>
    internal List<StageNode> Sources { get; } = [];

    /// <summary>Called by the compiler: text.</summary>
    public void AppendLiteral(string text) => _query.Append(text);

    /// <summary>Called by the compiler: a table.</summary>
    public void AppendFormatted(Table table, [CallerArgumentExpression(nameof(table))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(table);
        table.Suggest(expression);
        var known = Tables.FindIndex(t => ReferenceEquals(t.Table, table));
        if (known < 0)
        {
            known = Tables.Count;
            var wish = NameRules.AsIdentifier(expression) ?? "input";
            var name = wish;
            // DuckDB's names do not tell case apart.
            for (var n = 2; Tables.Any(t => t.Name.Equals(name, StringComparison.OrdinalIgnoreCase)); n++)
            {
                name = $"{wish}_{n}";
            }

            Tables.Add((name, table));
        }

        _query.Append('"').Append(Tables[known].Name).Append('"');
    }

    /// <summary>Called by the compiler: the result of a custom stage.</summary>
    public void AppendFormatted(CodeStage stage, [CallerArgumentExpression(nameof(stage))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(stage);
        AppendFormatted(stage.Table, expression);
    }

    /// <summary>Called by the compiler: a parameter.</summary>
    public void AppendFormatted<T>(Parameter<T> parameter, [CallerArgumentExpression(nameof(parameter))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        Bind(parameter, expression, () => SqlValues.Typed(typeof(T), ((IPipelineValue)parameter).ToNode()));
    }

    /// <summary>Called by the compiler: a number an earlier stage measures.</summary>
    public void AppendFormatted(Scalar scalar, [CallerArgumentExpression(nameof(scalar))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(scalar);
        Scalars.Add(scalar);
        Bind(scalar, expression, () => ((Value<double>)scalar).ToNode());
    }

    /// <summary>Called by the compiler: the item of a loop.</summary>
    public void AppendFormatted<T>(LoopItem<T> item, [CallerArgumentExpression(nameof(item))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(item);
        Bind(item, expression, () => SqlValues.Typed(typeof(T), ((IPipelineValue)item).ToNode()));
    }

    /// <summary>Called by the compiler: a value an earlier stage returns.</summary>
    public void AppendFormatted(StageValue value, [CallerArgumentExpression(nameof(value))] string? expression = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        Sources.Add(value.Node);
        Bind(value, expression, ((IPipelineValue)value).ToNode);
    }

    /// <summary>Called by the compiler: a column, given by name at run time.</summary>
    public void AppendFormatted(SqlColumn column) => _query.Append('"').Append(column.Name.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');

    /// <summary>Called by the compiler: a literal.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the type cannot be bound.</exception>
    public void AppendFormatted<T>(T value, [CallerArgumentExpression(nameof(value))] string? expression = null)
    {
        // Of a type derived from these, this method is the better match.
        if (value is Table table)
        {
            AppendFormatted(table, expression);
            return;
        }

        if (value is StageValue returned)
        {
            AppendFormatted(returned, expression);
            return;
        }

        if (!SqlValues.TryLiteral(value, out var node))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The query binds {{{expression}}}, a {typeof(T).Name}, which is no SQL value.",
                "Pass a table, a parameter, text, a number, a bool, a date or an instant; for a column name use SqlColumn.");
        }

        Bind(value, expression, () => node?.DeepClone());
    }

    internal JsonObject WriteOptions()
    {
        var options = new JsonObject { ["query"] = _query.ToString() };
        if (_values.Count > 0)
        {
            options["values"] = new JsonObject(_values.Select(v => KeyValuePair.Create(v.Name, v.Write())));
        }

        return options;
    }

    private void Bind(object? source, string? expression, Func<JsonNode?> write)
    {
        var known = _values.FindIndex(v => v.Source is not null && (ReferenceEquals(v.Source, source) || v.Source.Equals(source)));
        if (known < 0)
        {
            known = _values.Count;
            var identifier = NameRules.AsIdentifier(expression);
            var wish = identifier is not null && identifier.All(char.IsAsciiLetterOrDigit) && char.IsAsciiLetter(identifier[0]) ? identifier : "value";
            var name = wish;
            for (var n = 2; _values.Any(v => v.Name.Equals(name, StringComparison.OrdinalIgnoreCase)); n++)
            {
                name = $"{wish}{n}";
            }

            _values.Add((name, source, write));
        }

        _query.Append('$').Append(_values[known].Name);
    }
}

/// <summary>A column whose name is known only at run time, quoted in the query: <c>$"select {new SqlColumn(name)} from {rows}"</c>.</summary>
/// <param name="Name">The column's name.</param>
public readonly record struct SqlColumn(string Name);
