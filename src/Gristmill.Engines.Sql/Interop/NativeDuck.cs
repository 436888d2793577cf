using System.Runtime.InteropServices;
using Apache.Arrow.C;
using DuckDB.NET.Native;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// The calls of DuckDB's C API that DuckDB.NET's bindings do not have, or that callbacks need without a SafeHandle:
/// inside a callback every handle belongs to DuckDB.
/// </summary>
internal static unsafe partial class NativeDuck
{
    private const string Library = "duckdb";

    /// <summary>Rows of a full vector; fixed when DuckDB is built.</summary>
    public const int VectorSize = 2048;

    /// <summary>Only for a statement that was prepared without an error: DuckDB aborts the process otherwise.</summary>
    [LibraryImport(Library, EntryPoint = "duckdb_prepared_statement_type")]
    public static partial DuckDBStatementType PreparedStatementType(DuckDBPreparedStatement statement);

    [LibraryImport(Library, EntryPoint = "duckdb_prepared_statement_column_count")]
    public static partial ulong PreparedColumnCount(DuckDBPreparedStatement statement);

    [LibraryImport(Library, EntryPoint = "duckdb_prepared_statement_column_logical_type")]
    public static partial DuckDBLogicalType PreparedColumnType(DuckDBPreparedStatement statement, ulong column);

    [LibraryImport(Library, EntryPoint = "duckdb_prepared_statement_column_name")]
    private static partial byte* PreparedColumnNamePointer(DuckDBPreparedStatement statement, ulong column);

    [LibraryImport(Library, EntryPoint = "duckdb_parameter_name")]
    private static partial byte* ParameterNamePointer(DuckDBPreparedStatement statement, ulong oneBasedIndex);

    [LibraryImport(Library, EntryPoint = "duckdb_free")]
    private static partial void Free(void* pointer);

    [LibraryImport(Library, EntryPoint = "duckdb_schema_from_arrow")]
    public static partial nint SchemaFromArrow(nint connection, CArrowSchema* schema, out nint convertedSchema);

    [LibraryImport(Library, EntryPoint = "duckdb_destroy_arrow_converted_schema")]
    public static partial void DestroyConvertedSchema(ref nint convertedSchema);

    [LibraryImport(Library, EntryPoint = "duckdb_data_chunk_from_arrow")]
    public static partial nint DataChunkFromArrow(nint connection, ArrowArrayStruct* array, nint convertedSchema, out nint chunk);

    [LibraryImport(Library, EntryPoint = "duckdb_destroy_data_chunk")]
    public static partial void DestroyDataChunk(ref nint chunk);

    [LibraryImport(Library, EntryPoint = "duckdb_data_chunk_get_vector")]
    public static partial nint DataChunkGetVector(nint chunk, ulong column);

    [LibraryImport(Library, EntryPoint = "duckdb_data_chunk_set_size")]
    public static partial void DataChunkSetSize(nint chunk, ulong rows);

    [LibraryImport(Library, EntryPoint = "duckdb_vector_reference_vector")]
    public static partial void VectorReferenceVector(nint to, nint from);

    [LibraryImport(Library, EntryPoint = "duckdb_vector_get_data")]
    public static partial void* VectorGetData(nint vector);

    [LibraryImport(Library, EntryPoint = "duckdb_vector_get_validity")]
    public static partial ulong* VectorGetValidity(nint vector);

    [LibraryImport(Library, EntryPoint = "duckdb_list_vector_get_child")]
    public static partial nint ListVectorGetChild(nint vector);

    [LibraryImport(Library, EntryPoint = "duckdb_struct_vector_get_child")]
    public static partial nint StructVectorGetChild(nint vector, ulong child);

    [LibraryImport(Library, EntryPoint = "duckdb_array_vector_get_child")]
    public static partial nint ArrayVectorGetChild(nint vector);

    [LibraryImport(Library, EntryPoint = "duckdb_init_set_max_threads")]
    public static partial void InitSetMaxThreads(nint info, ulong threads);

    [LibraryImport(Library, EntryPoint = "duckdb_error_data_has_error")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool ErrorHasError(nint error);

    [LibraryImport(Library, EntryPoint = "duckdb_error_data_message")]
    private static partial byte* ErrorMessage(nint error);

    [LibraryImport(Library, EntryPoint = "duckdb_destroy_error_data")]
    private static partial void DestroyError(ref nint error);

    /// <summary>Name of a column of a prepared statement.</summary>
    public static string PreparedColumnName(DuckDBPreparedStatement statement, ulong column) =>
        Take(PreparedColumnNamePointer(statement, column)) ?? string.Empty;

    /// <summary>Name of a parameter; positional ones are called "1", "2", ...</summary>
    public static string ParameterName(DuckDBPreparedStatement statement, int oneBasedIndex) =>
        Take(ParameterNamePointer(statement, (ulong)oneBasedIndex)) ?? string.Empty;

    /// <summary>Frees an error object and returns its message, or null if there was none.</summary>
    public static string? TakeError(nint error)
    {
        if (error == 0)
        {
            return null;
        }

        try
        {
            return ErrorHasError(error) ? Marshal.PtrToStringUTF8((nint)ErrorMessage(error)) ?? "unknown error" : null;
        }
        finally
        {
            DestroyError(ref error);
        }
    }

    private static string? Take(byte* owned)
    {
        if (owned is null)
        {
            return null;
        }

        try
        {
            return Marshal.PtrToStringUTF8((nint)owned);
        }
        finally
        {
            Free(owned);
        }
    }
}
