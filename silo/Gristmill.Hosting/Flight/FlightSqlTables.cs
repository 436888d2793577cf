using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Hosting;

/// <summary>What objects are called in SQL, and the columns in which Flight SQL tells of catalogues, schemas and tables.</summary>
internal static class FlightSqlTables
{
    /// <summary>The engine's names of where inputs are: qualified names then mean the same to it.</summary>
    public const string Catalog = "memory", SchemaName = "main";

    public const string TableType = "TABLE";

    public static Schema Catalogs { get; } = Of(Text("catalog_name", false));

    public static Schema Schemas { get; } = Of(Text("catalog_name"), Text("db_schema_name", false));

    public static Schema Tables { get; } = Of(Text("catalog_name"), Text("db_schema_name"), Text("table_name", false), Text("table_type", false));

    public static Schema TablesWithSchema { get; } =
        Of(Text("catalog_name"), Text("db_schema_name"), Text("table_name", false), Text("table_type", false), new Field("table_schema", BinaryType.Default, false));

    public static Schema TableTypes { get; } = Of(Text("table_type", false));

    public static Schema PrimaryKeys { get; } =
        Of(Text("catalog_name"), Text("db_schema_name"), Text("table_name", false), Text("column_name", false), new Field("key_sequence", Int32Type.Default, false), Text("key_name"));

    public static Schema ForeignKeys { get; } = Of(
        Text("pk_catalog_name"), Text("pk_db_schema_name"), Text("pk_table_name", false), Text("pk_column_name", false),
        Text("fk_catalog_name"), Text("fk_db_schema_name"), Text("fk_table_name", false), Text("fk_column_name", false),
        new Field("key_sequence", Int32Type.Default, false), Text("fk_key_name"), Text("pk_key_name"),
        new Field("update_rule", UInt8Type.Default, false), new Field("delete_rule", UInt8Type.Default, false));

    private static Schema Of(params Field[] fields) => new(fields, null);

    private static Field Text(string name, bool nullable = true) => new(name, StringType.Default, nullable);
}
