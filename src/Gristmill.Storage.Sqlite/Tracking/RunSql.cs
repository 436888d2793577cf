using System.Globalization;
using Gristmill.Storage.Sqlite.Database;

namespace Gristmill.Storage.Sqlite;

/// <summary>
/// Makes SQL of conditions. What callers wrote appears in it as arguments only; names are looked up first, and a name that no run has
/// makes its term false.
/// </summary>
/// <param name="session">Looks names up.</param>
/// <param name="now">Milliseconds since 1970.</param>
/// <param name="run">What is the number of the run: the first table of the query that has it, so that what a run's values exclude is not looked up any further.</param>
internal sealed class RunSql(SqliteSession session, long now, string run = "r.n")
{
    private readonly List<object?> _arguments = [];

    public IReadOnlyList<object?> Arguments => _arguments;

    /// <summary>Adds an argument and gives its place in the text.</summary>
    public string Argument(object? value)
    {
        _arguments.Add(value);
        return "@p" + (_arguments.Count - 1).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The number of a name, or null if nothing bears it.</summary>
    public long? Name(string text) => session.First("select n from name where text=@p0", static r => (long?)r.GetInt64(0), text);

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

        return Name(term.Field.Name) is { } name ? $"select x.run from {Table(term.Field.Kind)} x where x.name={Argument(name)} and {Compare(term, Column(term, "x"))}" : "select 0 where 0";
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
        "duration" => $"((coalesce(r.ended, {Argument(now)})-r.created)/1000.0)",
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "An unknown attribute."),
    };

    public static string Table(RunFieldKind kind) => kind switch
    {
        RunFieldKind.Parameter => "param",
        RunFieldKind.Tag => "tag",
        _ => "metric",
    };

    // The plus keeps SQLite from looking a run up by the value, of which many runs may have the same, instead of by the run.
    private string Term(RunTerm term)
    {
        if (term.Field.Kind == RunFieldKind.Attribute)
        {
            var column = Attribute(term.Field.Name);
            return term.Comparison == RunComparison.Missing ? $"({column} is null)" : $"coalesce({Compare(term, column)}, 0)";
        }

        var (table, name) = (Table(term.Field.Kind), Name(term.Field.Name));
        if (name is null)
        {
            return term.Comparison == RunComparison.Missing ? "1" : "0";
        }

        return term.Comparison == RunComparison.Missing
            ? $"(not exists(select 1 from {table} x where x.run={run} and x.name={Argument(name)}))"
            : $"exists(select 1 from {table} x where x.run={run} and x.name={Argument(name)} and {Compare(term, "+" + Column(term, "x"))})";
    }

    // A parameter or tag that is compared with a number is compared as one.
    private static string Column(RunTerm term, string alias) => term.Field.Kind switch
    {
        RunFieldKind.Parameter when term.Values.All(static value => value is double) => alias + ".number",
        RunFieldKind.Tag when term.Values.All(static value => value is double) => $"cast({alias}.value as real)",
        _ => alias + ".value",
    };

    private string Compare(RunTerm term, string column) => term.Comparison switch
    {
        RunComparison.Equal => $"{column}={Value(term, 0)}",
        RunComparison.NotEqual => $"{column}<>{Value(term, 0)}",
        RunComparison.Less => $"{column}<{Value(term, 0)}",
        RunComparison.LessOrEqual => $"{column}<={Value(term, 0)}",
        RunComparison.Greater => $"{column}>{Value(term, 0)}",
        RunComparison.GreaterOrEqual => $"{column}>={Value(term, 0)}",
        RunComparison.In => $"{column} in ({string.Join(',', Enumerable.Range(0, term.Values.Length).Select(i => Value(term, i)))})",
        RunComparison.LikeIgnoringCase => $"{column} like {Value(term, 0)}",
        RunComparison.Like => $"{column} glob {Argument(Glob((string)term.Values[0]))}",
        _ => throw new ArgumentOutOfRangeException(nameof(term), term.Comparison, "An unknown comparison."),
    };

    // Mixed lists on parameters compare as text.
    private string Value(RunTerm term, int i) => Argument(
        term.Values[i] is double number && (term.Field.Kind is RunFieldKind.Parameter or RunFieldKind.Tag) && !term.Values.All(static value => value is double)
            ? number.ToString("R", CultureInfo.InvariantCulture)
            : term.Values[i]);

    /// <summary>SQLite's LIKE ignores case; GLOB does not, and has other wildcards.</summary>
    private static string Glob(string like)
    {
        var glob = new System.Text.StringBuilder();
        foreach (var c in like)
        {
            _ = c switch
            {
                '%' => glob.Append('*'),
                '_' => glob.Append('?'),
                '*' or '?' or '[' => glob.Append('[').Append(c).Append(']'),
                _ => glob.Append(c),
            };
        }

        return glob.ToString();
    }
}
