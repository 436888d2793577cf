using Apache.Arrow;
using Gristmill.Data.Sources;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>The table that is written: it is found or made, and has a column for each of the flow's.</summary>
internal sealed class PostgresTable
{
    private const int LongestName = 63; // NAMEDATALEN - 1: beyond, the server cuts off

    private readonly PostgresSession _session;
    private readonly List<Column> _columns;

    private PostgresTable(PostgresSession session, string name, List<Column> columns) => (_session, Name, _columns) = (session, name, columns);

    /// <summary>Its name, quoted, with the schema.</summary>
    public string Name { get; }

    /// <summary>The schema that has the table, or is to have it; null: there is no such.</summary>
    public static string? Schema(PostgresSession session, string? schema, string table) =>
        schema ?? session.Query("select coalesce((select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)), current_schema())",
            static row => row.IsDBNull(0) ? null : row.GetString(0), QueryText.Identifier(table)).Single();

    /// <summary>Finds the table, or makes it.</summary>
    /// <param name="session">The connection, in a transaction.</param>
    /// <param name="name">Its name, quoted, with the schema.</param>
    /// <param name="schema">The flow's columns.</param>
    /// <param name="options">How.</param>
    /// <exception cref="GristmillException">It is there and must not be, or is not for these columns.</exception>
    public static PostgresTable Open(PostgresSession session, string name, Schema schema, PostgresWriteOptions options)
    {
        foreach (var field in schema.FieldsList)
        {
            CheckName(field.Name, "column", session.Shown);
        }

        if (schema.FieldsList.GroupBy(static field => field.Name).FirstOrDefault(static group => group.Count() > 1) is { } twice)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The rows for {session.Shown} have two columns '{twice.Key}'.", "Give each a name of its own with AS.").With("column", twice.Key);
        }

        if (options.Keys.FirstOrDefault(key => schema.FieldsList.All(field => field.Name != key)) is { } missing)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn, $"The rows for {session.Shown} have no column '{missing}', which is a key.", $"They have {Names(schema)}.").With("column", missing);
        }

        var exists = Exists(session, name);
        if (!exists)
        {
            Create(session, name, schema, options.Keys);
        }
        else if (options.Mode == PostgresWriteMode.Create)
        {
            throw new GristmillException(ErrorCodes.Conflict, $"{Sentence(session.Shown)} is there already.", "Choose another name, or say with Mode what is to become of it.").With("table", session.Shown);
        }
        else if (options.Mode == PostgresWriteMode.Replace)
        {
            // Two at once would both delete what was there, and both leave their rows. Who reads does not wait.
            session.Execute($"lock table {name} in share row exclusive mode");
        }

        var table = new PostgresTable(session, name, Columns(session, name));
        table.Match(schema);
        if (exists && options.Mode == PostgresWriteMode.Replace)
        {
            // Not truncate: transactions that began before would see an empty table, and who reads would wait until all rows are there.
            session.Execute($"delete from {name}");
        }

        return table;
    }

    /// <summary>Checks a name, which the server would cut off or refuse.</summary>
    public static void CheckName(string name, string what, string table)
    {
        if (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal) || System.Text.Encoding.UTF8.GetByteCount(name) > LongestName)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{name.Replace('\0', '␀')}' is no name of a {what} of PostgreSQL, for {table}.", $"A name has 1 to {LongestName} bytes in UTF-8, and no NUL.").With("name", name.Replace('\0', '␀'));
        }
    }

    /// <summary>The columns that a COPY gives, in the order of the flow's.</summary>
    public static string ColumnList(Schema schema) => string.Join(", ", schema.FieldsList.Select(static field => QueryText.Identifier(field.Name)));

    /// <summary>What writes each column of the flow.</summary>
    public (PostgresField Field, bool TakesNull, string Type)[] Fields(Schema schema) => [.. schema.FieldsList.Select(field =>
    {
        var column = _columns.Single(candidate => candidate.Name == field.Name);
        return (PostgresField.Of(field.DataType, column.Type)!, !column.NotNull, column.Shown);
    })];

    private static bool Exists(PostgresSession session, string name) => session.Query("select to_regclass($1) is not null", static row => row.GetBoolean(0), name).Single();

    private static void Create(PostgresSession session, string name, Schema schema, IReadOnlyList<string> keys)
    {
        var columns = schema.FieldsList.Select(field => $"{QueryText.Identifier(field.Name)} {PostgresType.For(field) ?? throw Misfit(session, field, "has no type of PostgreSQL")}");
        var primary = keys.Count == 0 ? [] : new[] { $"primary key ({string.Join(", ", keys.Select(QueryText.Identifier))})" };
        session.Execute($"create table {name} ({string.Join(", ", columns.Concat(primary))})");
    }

    private static List<Column> Columns(PostgresSession session, string name) => session.Query(
        """
        select a.attname::text, a.attnotnull, a.atthasdef or a.attidentity <> '', a.attgenerated <> '', format_type(a.atttypid, a.atttypmod), case t.typtype when 'd' then t.typtypmod else a.atttypmod end,
               b.oid::int8, b.typtype::text, b.typcategory::text, i.oid::int8, i.typtype::text, i.typcategory::text
        from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_type b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
             left join pg_type i on i.oid = b.typelem and b.typcategory = 'A'
        where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
        order by a.attnum
        """,
        static row =>
        {
            var modifier = row.GetInt32(5);
            return new Column(row.GetString(0), row.GetBoolean(1), row.GetBoolean(2), row.GetBoolean(3), row.GetString(4), Type(row, 6, modifier, row.IsDBNull(9) ? null : Type(row, 9, modifier, null)));
        },
        name);

    private static PostgresType Type(Npgsql.NpgsqlDataReader row, int at, int modifier, PostgresType? item) =>
        new((uint)row.GetInt64(at), row.GetString(at + 1)[0], row.GetString(at + 2)[0], modifier, item);

    private void Match(Schema schema)
    {
        foreach (var field in schema.FieldsList)
        {
            var column = _columns.FirstOrDefault(candidate => candidate.Name == field.Name)
                ?? throw new GristmillException(ErrorCodes.UnknownColumn, $"{Sentence(_session.Shown)} has no column '{field.Name}', which the rows have.",
                    $"It has {string.Join(", ", _columns.Select(static candidate => candidate.Name))}. Leave the column out, or give it another name with AS.").With("table", _session.Shown).With("column", field.Name);
            if (column.IsGenerated)
            {
                throw Misfit(_session, field, "is for a column that the server computes");
            }

            if (PostgresField.Of(field.DataType, column.Type) is null)
            {
                throw Misfit(_session, field, $"does not go into {column.Shown}");
            }
        }

        if (_columns.FirstOrDefault(column => column is { NotNull: true, HasDefault: false, IsGenerated: false } && schema.FieldsList.All(field => field.Name != column.Name)) is { } lacking)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn, $"{Sentence(_session.Shown)} needs a value in its column '{lacking.Name}', which the rows have not.", $"The rows have {Names(schema)}.")
                .With("table", _session.Shown).With("column", lacking.Name);
        }
    }

    private static GristmillException Misfit(PostgresSession session, Field field, string what) =>
        new GristmillException(ErrorCodes.TypeMismatch, $"{Sentence(session.Shown)}, column '{field.Name}': {SchemaChange.Text(field.DataType)} {what}.", "Cast it in a query, such as cast(value as bigint), or leave it out.")
            .With("table", session.Shown).With("column", field.Name);

    private static string Names(Schema schema) => string.Join(", ", schema.FieldsList.Select(static field => field.Name));

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>A column of the table.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="NotNull">Whether it takes no null.</param>
    /// <param name="HasDefault">Whether the server knows a value where none is given.</param>
    /// <param name="IsGenerated">Whether none may be given.</param>
    /// <param name="Shown">Its type, for people.</param>
    /// <param name="Type">Its type.</param>
    private sealed record Column(string Name, bool NotNull, bool HasDefault, bool IsGenerated, string Shown, PostgresType Type);
}
