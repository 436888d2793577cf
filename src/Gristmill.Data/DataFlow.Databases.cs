using Gristmill.Data.Sources.Postgres;
using Gristmill.Data.Sources.Sqlite;

namespace Gristmill.Data;

public partial class DataFlow
{
    /// <summary>Reads a table or view of a SQLite file, which is opened for reading alone. All rows are of one moment, though somebody writes meanwhile.</summary>
    /// <param name="path">The file.</param>
    /// <param name="table">The table's name, as it is: it is quoted.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <remarks>
    /// An execution fails with <see cref="ErrorCodes.FileNotFound"/>, <see cref="ErrorCodes.FileFormat"/> where the file is no sound database, <see cref="ErrorCodes.Sql"/>
    /// where SQLite refuses, or <see cref="ErrorCodes.TypeMismatch"/>, naming table, column and row, where a value is not of its column's type.
    /// </remarks>
    public static DataFlow ReadSqlite(string path, string table, SqliteReadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentException.ThrowIfNullOrEmpty(table);
        return new DataFlow(new SqliteNode(path, table, null, options ?? new SqliteReadOptions()), null);
    }

    /// <summary>Reads the result of a query in SQLite's dialect.</summary>
    /// <param name="path">The file.</param>
    /// <param name="query">One SELECT.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <inheritdoc cref="ReadSqlite" path="/remarks"/>
    public static DataFlow ReadSqliteQuery(string path, string query, SqliteReadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(query);
        return new DataFlow(new SqliteNode(path, null, query, options ?? new SqliteReadOptions()), null);
    }

    /// <summary>Reads a table or view of a PostgreSQL database by binary COPY, in a transaction that changes nothing, so that all rows are of one moment.</summary>
    /// <param name="connection">How it is reached.</param>
    /// <param name="table">The table's name, as it is: it is quoted.</param>
    /// <param name="schema">The schema it is in; null: the first of the search path that has it.</param>
    /// <remarks>
    /// An execution fails with <see cref="ErrorCodes.SecretMissing"/>, <see cref="ErrorCodes.SourceUnavailable"/> where the server is not reached or lets nobody in,
    /// <see cref="ErrorCodes.Sql"/> where it refuses the query, <see cref="ErrorCodes.TypeMismatch"/> for a column of a type that is not read, and
    /// <see cref="ErrorCodes.BadValue"/>, naming column and row, for a value that its Arrow type does not hold, such as infinity of a timestamp.
    /// </remarks>
    public static DataFlow ReadPostgres(PostgresConnection connection, string table, string? schema = null)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentException.ThrowIfNullOrEmpty(table);
        var name = (schema is null ? "" : Engines.Sql.Sessions.QueryText.Identifier(schema) + ".") + Engines.Sql.Sessions.QueryText.Identifier(table);
        return new DataFlow(new PostgresNode(connection, $"the table {name}", $"select * from {name}"), null);
    }

    /// <summary>Reads the result of a query in PostgreSQL's dialect.</summary>
    /// <param name="connection">How it is reached.</param>
    /// <param name="query">One SELECT.</param>
    /// <inheritdoc cref="ReadPostgres" path="/remarks"/>
    public static DataFlow ReadPostgresQuery(PostgresConnection connection, string query)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentException.ThrowIfNullOrWhiteSpace(query);
        return new DataFlow(new PostgresNode(connection, "the query", query), null);
    }
}
