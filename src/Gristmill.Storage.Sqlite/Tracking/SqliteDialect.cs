using System.Globalization;
using System.Text;

namespace Gristmill.Storage.Sqlite;

/// <summary>SQLite's way: its planner takes "cross join" and a plus before a column as orders.</summary>
internal sealed class SqliteDialect : TrackingDialect
{
    public static readonly SqliteDialect Instance = new();

    /// <summary>A text as a number, or null: SQLite's own cast makes 0 of a text that is none. Sessions define it.</summary>
    public const string NumberFunction = "gristmill_number";

    public override string Placeholder(int argument) => "@p" + argument.ToString(CultureInfo.InvariantCulture);

    public override string LookUp(string table, string alias, string on) => $"cross join {table} {alias} on {on}";

    public override string Unindexed(string column) => "+" + column;

    public override string TextKey(string alias) => alias + ".value";

    public override string? IndexedText(string alias, IEnumerable<string> texts) => alias + ".value";

    public override string TagNumber(string alias) => $"{NumberFunction}({alias}.value)";

    public override string Like(string column, string pattern, bool ignoringCase, Func<object, string> argument) =>
        ignoringCase ? $"{column} like {argument(pattern)}" : $"{column} glob {argument(Glob(pattern))}";

    public override string IsAnyOf(string column, IReadOnlyList<long> numbers, Func<object, string> argument) =>
        $"{column} in ({string.Join(',', numbers.Select(static number => number.ToString(CultureInfo.InvariantCulture)))})";

    /// <summary>SQLite's LIKE ignores case; GLOB does not, and has other wildcards.</summary>
    private static string Glob(string like)
    {
        var glob = new StringBuilder();
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
