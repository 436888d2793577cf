using System.Globalization;

namespace Gristmill.Storage;

/// <summary>
/// Makes SQL of conditions. What callers wrote appears in it as arguments only; names are looked up first, and a name that no run has
/// makes its term false.
/// </summary>
/// <param name="dialect">How the database wants it.</param>
/// <param name="names">The numbers of the names there are.</param>
/// <param name="now">Milliseconds since 1970.</param>
/// <param name="run">What is the number of the run: the first table of the query that has it, so that what a run's values exclude is not looked up any further.</param>
internal sealed class RunSql(TrackingDialect dialect, IReadOnlyDictionary<string, long> names, long now, string run = "r.n")
{
    private readonly List<object> _arguments = [];

    public IReadOnlyList<object> Arguments => _arguments;

    /// <summary>Adds an argument and gives its place in the text.</summary>
    public string Argument(object value)
    {
        _arguments.Add(value);
        return dialect.Placeholder(_arguments.Count - 1);
    }

    /// <summary>The number of a name, or one that nothing has.</summary>
    public string Name(string text) => Argument(names.GetValueOrDefault(text, -1L));

    /// <summary>A condition on run r, never null.</summary>
    public string Condition(RunCondition condition) => condition switch
    {
        AllOf all => "(" + string.Join(" and ", all.Terms.Select(Condition)) + ")",
        AnyOf any => "(" + string.Join(" or ", any.Terms.Select(Condition)) + ")",
        NotTrue not => $"(not {Condition(not.Term)})",
        RunTerm term => Term(term),
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "An unknown kind of condition."),
    };

    /// <summary>The numbers of the runs that a term holds for, by an index; null where there is none for it.</summary>
    public string? Source(RunTerm term)
    {
        if (term.Comparison is RunComparison.Missing or RunComparison.NotEqual or RunComparison.Like or RunComparison.LikeIgnoringCase)
        {
            return null;
        }

        if (term.Field.Kind == RunFieldKind.Attribute)
        {
            // Of the other facts few have values that few runs share, and those that do (id) order runs already. That it is not null lets the partial index be used.
            return term.Field.Name is "partition" or "trigger" ? $"select x.n from run x where x.{term.Field.Name} is not null and {Compare(term, "x." + term.Field.Name)}" : null;
        }

        if (!names.ContainsKey(term.Field.Name))
        {
            return "select 0 where false";
        }

        return IndexedColumn(term) is { } column ? $"select x.run from {Table(term.Field.Kind)} x where x.name={Name(term.Field.Name)} and {Compare(term, column)}" : null;
    }

    /// <summary>The column of run r that an attribute is.</summary>
    public string Attribute(string name) => name switch
    {
        "id" => "r.id",
        "pipeline" => "r.pipeline",
        "version" => "r.version",
        "status" => "r.status",
        "error" => "r.error",
        "partition" => "r.partition",
        "trigger" => "r.trigger",
        "created" => "r.created",
        "started" => "r.started",
        "ended" => "r.ended",
        "duration" => $"(cast(coalesce(r.ended, {Argument(now)})-r.created as double precision)/1000)",
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "An unknown attribute."),
    };

    public static string Table(RunFieldKind kind) => kind switch
    {
        RunFieldKind.Parameter => "param",
        RunFieldKind.Tag => "tag",
        _ => "metric",
    };

    // A run is looked up by itself in a subquery: that is never turned into a walk through all runs that have the value.
    private string Term(RunTerm term)
    {
        if (term.Field.Kind == RunFieldKind.Attribute)
        {
            var column = Attribute(term.Field.Name);
            return term.Comparison == RunComparison.Missing ? $"({column} is null)" : $"coalesce({Compare(term, column)}, false)";
        }

        if (!names.ContainsKey(term.Field.Name))
        {
            return term.Comparison == RunComparison.Missing ? "true" : "false";
        }

        var of = $"from {Table(term.Field.Kind)} x where x.run={run} and x.name={Name(term.Field.Name)}";
        return term.Comparison == RunComparison.Missing ? $"((select 1 {of}) is null)" : $"coalesce((select {Compare(term, Column(term))} {of}), false)";
    }

    // A parameter or tag that is compared with a number is compared as one.
    private string Column(RunTerm term) => term.Field.Kind switch
    {
        RunFieldKind.Parameter when IsNumber(term) => "x.number",
        RunFieldKind.Tag when IsNumber(term) => dialect.TagNumber("x"),
        _ => "x.value",
    };

    private string? IndexedColumn(RunTerm term) => term.Field.Kind == RunFieldKind.Metric || IsNumber(term) ? Column(term) : dialect.IndexedText("x", term.Values.Select(Text));

    private string Compare(RunTerm term, string column) => term.Comparison switch
    {
        RunComparison.Equal => $"{column}={Value(term, 0)}",
        RunComparison.NotEqual => $"{column}<>{Value(term, 0)}",
        RunComparison.Less => $"{column}<{Value(term, 0)}",
        RunComparison.LessOrEqual => $"{column}<={Value(term, 0)}",
        RunComparison.Greater => $"{column}>{Value(term, 0)}",
        RunComparison.GreaterOrEqual => $"{column}>={Value(term, 0)}",
        RunComparison.In => $"{column} in ({string.Join(',', Enumerable.Range(0, term.Values.Length).Select(i => Value(term, i)))})",
        RunComparison.Like or RunComparison.LikeIgnoringCase => dialect.Like(column, (string)term.Values[0], term.Comparison == RunComparison.LikeIgnoringCase, Argument),
        _ => throw new ArgumentOutOfRangeException(nameof(term), term.Comparison, "An unknown comparison."),
    };

    // Mixed lists on parameters compare as text.
    private string Value(RunTerm term, int i) => Argument(
        term.Field.Kind is RunFieldKind.Parameter or RunFieldKind.Tag && !IsNumber(term) ? Text(term.Values[i]) : term.Values[i]);

    private static bool IsNumber(RunTerm term) => term.Values.All(static value => value is double);

    private static string Text(object value) => value is double number ? number.ToString("R", CultureInfo.InvariantCulture) : (string)value;
}
