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
}
