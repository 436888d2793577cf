using Apache.Arrow;
using Apache.Arrow.C;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>DuckDB's reading of an Arrow schema: what it needs to turn arrays of it into vectors.</summary>
internal sealed unsafe class ConvertedSchema : IDisposable
{
    private nint _handle;

    private ConvertedSchema(nint handle) => _handle = handle;

    ~ConvertedSchema() => Free();

    public nint Handle => _handle;

    /// <summary>Converts a schema.</summary>
    /// <exception cref="InvalidOperationException">DuckDB refuses it, with its reason.</exception>
    public static ConvertedSchema Of(nint connection, Schema schema)
    {
        var exported = CArrowSchema.Create();
        try
        {
            CArrowSchemaExporter.ExportSchema(schema, exported);
            var error = NativeDuck.TakeError(NativeDuck.SchemaFromArrow(connection, exported, out var handle));
            return error is null ? new ConvertedSchema(handle) : throw new InvalidOperationException(error);
        }
        finally
        {
            // Releases what was exported; DuckDB reads the schema and keeps nothing of it.
            CArrowSchema.Free(exported);
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_handle != 0)
        {
            NativeDuck.DestroyConvertedSchema(ref _handle);
            _handle = 0;
        }
    }
}
