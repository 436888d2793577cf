using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>
/// The columns of an input by their position. DuckDB looks names up without regard to case and has no empty ones, so what a table calls
/// its columns stays out of the queries.
/// </summary>
internal sealed class InputColumns(Schema schema)
{
    /// <summary>For the scanned table (<see cref="Interop.ScanTable.ColumnPrefix"/>).</summary>
    public const string Prefix = "c";

    private const int Shown = 20;

    public int Count => schema.FieldsList.Count;

    public IReadOnlyList<string> Names => [.. schema.FieldsList.Select(static column => column.Name)];

    /// <summary>What a query calls the columns, in order.</summary>
    public IEnumerable<string> All => Enumerable.Range(0, Count).Select(At);

    /// <summary>What a query calls a column.</summary>
    public string At(int column) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{column}");

    public IArrowType TypeOf(int column) => schema.GetFieldByIndex(column).DataType;

    /// <summary>The position of a column.</summary>
    /// <param name="name">Its name, exactly.</param>
    /// <param name="input">What to call the table in an error.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.UnknownColumn"/>.</exception>
    public int Find(string name, string input = "The input")
    {
        for (var i = 0; i < Count; i++)
        {
            if (schema.GetFieldByIndex(i).Name == name)
            {
                return i;
            }
        }

        var known = string.Join(", ", Names.Take(Shown)) + (Count > Shown ? string.Create(CultureInfo.InvariantCulture, $" and {Count - Shown} more") : "");
        throw new GristmillException(ErrorCodes.UnknownColumn, $"{input} has no column '{name}'.", Count == 0 ? "It has none." : $"It has {known}.")
            .With("column", name).With("columns", known);
    }

    /// <summary>Why a table cannot be queried by its columns' own names, as "has ..."; null: it can.</summary>
    public static string? Unspeakable(Schema schema)
    {
        // DuckDB takes ASCII's letters alone for equal in both cases.
        static string Fold(string name) => string.Concat(name.Select(static c => char.IsAsciiLetterUpper(c) ? char.ToLowerInvariant(c) : c));
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in schema.FieldsList.Select(static column => column.Name))
        {
            if (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal))
            {
                return $"has {(name.Length == 0 ? "a column without a name" : $"the column '{name}', whose name has a NUL,")}, which SQL has not";
            }

            if (!known.TryAdd(Fold(name), name))
            {
                return $"has the columns '{known[Fold(name)]}' and '{name}', which SQL does not tell apart";
            }
        }

        return null;
    }

    /// <summary>
    /// 64 bits of the MD5 of the values of some columns as text, an unsigned BIGINT: the same for keys that are equal, on every machine
    /// and with every version. Null is a value like any other.
    /// </summary>
    public string Hash(IEnumerable<int> columns) => $"('0x' || left(md5(concat({string.Join(", ", columns.Select(Text))})), 16))::ubigint";

    private string Text(int column)
    {
        var name = At(column);

        // Zero and minus zero are equal and have different texts.
        var value = TypeOf(column) is FloatType or DoubleType or HalfFloatType ? $"case when {name} = 0 then 0 else {name} end" : name;
        var text = $"({value})::varchar";
        return $"coalesce(length({text})::varchar || ':' || {text}, '-')";
    }
}
