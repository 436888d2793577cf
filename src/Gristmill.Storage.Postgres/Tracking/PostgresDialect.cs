using System.Data.Common;
using System.Globalization;

namespace Gristmill.Storage.Postgres;

/// <summary>PostgreSQL's way: a subquery with an offset is planned by itself, so what is looked up row by row stays that.</summary>
internal sealed class PostgresDialect : TrackingDialect
{
    public static readonly PostgresDialect Instance = new();

    public override string Placeholder(int argument) => "$" + (argument + 1).ToString(CultureInfo.InvariantCulture);

    public override string LookUp(string table, string alias, string on) => $"cross join lateral (select * from {table} {alias} where {on} offset 0) {alias}";

    public override string Unindexed(string column) => column;

    public override string TextKey(string alias) => alias + ".key";

    // The key is the whole of a text that is shorter, and compares with a shorter one as the whole text does.
    public override string? IndexedText(string alias, IEnumerable<string> texts) => texts.All(static text => text.Length < TrackingSchema.KeyLength) ? alias + ".key" : null;

    public override string TagNumber(string alias) => alias + ".number";

    // Of the collation "C" only A to Z have another case.
    public override string Like(string column, string pattern, bool ignoringCase, Func<object, string> argument) =>
        $"{column} {(ignoringCase ? "ilike" : "like")} {argument(pattern)} escape ''";

    public override string Text(DbDataReader row, int column) => PostgresText.Decode(row.GetString(column));

    public override string IsAnyOf(string column, IReadOnlyList<long> numbers, Func<object, string> argument) => $"{column}=any({argument(numbers.ToArray())})";
}
