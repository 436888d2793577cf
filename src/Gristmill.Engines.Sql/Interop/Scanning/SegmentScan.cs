using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using DuckDB.NET.Native;
using TableFunctions = DuckDB.NET.Native.NativeMethods.TableFunction;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// A DuckDB table function over Arrow batches: projection pushdown, several threads, 2,048 rows a call, and vectors
/// that point into the batches' memory. (DuckDB's own arrow_scan pushes the projection down to a stream that ignores
/// it, and so answers with other columns' values.)
/// </summary>
internal static unsafe class SegmentScan
{
    /// <summary>Registers a table as a function without parameters. The table belongs to DuckDB from here on and is disposed with the database, or at once if this throws.</summary>
    /// <exception cref="GristmillException">type_mismatch: a column has a type that DuckDB cannot take.</exception>
    public static void Register(DuckDBNativeConnection connection, string function, ScanTable table)
    {
        var handle = default(GCHandle);
        nint native = 0;
        var owned = false;
        try
        {
            table.Connection = connection.DangerousGetHandle();
            table.Types = [.. table.Schema.FieldsList.Select(field => TypeOf(table.Connection, field))];
            native = TableFunctions.DuckDBCreateTableFunction();
            TableFunctions.DuckDBTableFunctionSetName(native, function);
            TableFunctions.DuckDBTableFunctionSetBind(native, &Bind);
            TableFunctions.DuckDBTableFunctionSetInit(native, &Init);
            TableFunctions.DuckDBTableFunctionSetFunction(native, &Scan);
            TableFunctions.DuckDBTableFunctionSupportsProjectionPushdown(native, true);
            handle = GCHandle.Alloc(table);
            TableFunctions.DuckDBTableFunctionSetExtraInfo(native, GCHandle.ToIntPtr(handle), &FreeTable);
            owned = true;
            if (!TableFunctions.DuckDBRegisterTableFunction(connection, native).IsSuccess())
            {
                throw new GristmillException(ErrorCodes.Internal, $"DuckDB does not take a table function called '{function}'.");
            }
        }
        finally
        {
            if (native != 0)
            {
                TableFunctions.DuckDBDestroyTableFunction(ref native);
            }

            if (!owned)
            {
                table.Dispose();
            }
        }
    }

    private static DuckDBLogicalType TypeOf(nint connection, Field field)
    {
        ArrowSupport.Require(field);
        try
        {
            using var schema = ConvertedSchema.Of(connection, new Schema([field], null));
            using var slice = new ArrowSlice();
            ReadOnlySpan<ArrowNode> column = [EmptyArrow.Node(field.DataType)];
            slice.Bind(0, column);
            var chunk = ToChunk(connection, schema, slice, slice.Narrow(column, 0, 0));
            try
            {
                return NativeMethods.Vectors.DuckDBVectorGetColumnType(NativeDuck.DataChunkGetVector(chunk, 0));
            }
            finally
            {
                NativeDuck.DestroyDataChunk(ref chunk);
            }
        }
        catch (InvalidOperationException e)
        {
            throw ArrowSupport.Refuse(field.Name, field.DataType, e.Message);
        }
    }

    /// <summary>Vectors over the rows of a slice; the caller destroys the chunk.</summary>
    internal static nint ToChunk(nint connection, ConvertedSchema schema, ArrowSlice slice, ArrowArrayStruct* array)
    {
        var error = NativeDuck.TakeError(NativeDuck.DataChunkFromArrow(connection, array, schema.Handle, out var chunk));
        slice.Reclaim();
        return error is null ? chunk : throw new InvalidOperationException(error);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeTable(nint handle) => Release<ScanTable>(handle);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeState(nint handle) => Release<IScanState>(handle);

    private static void Release<T>(nint handle) where T : class, IDisposable
    {
        var gc = GCHandle.FromIntPtr(handle);
        try
        {
            (gc.Target as T)?.Dispose();
        }
        catch (Exception)
        {
            // Called by DuckDB's destructors: nothing may be thrown across its frames.
        }

        gc.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Bind(nint info)
    {
        try
        {
            var table = (ScanTable)GCHandle.FromIntPtr(TableFunctions.DuckDBBindGetExtraInfo(info)).Target!;
            for (var i = 0; i < table.Types.Length; i++)
            {
                TableFunctions.DuckDBBindAddResultColumn(info, table.NameOf(i), table.Types[i]);
            }

            if (table.HasLabel)
            {
                using var bigInt = NativeMethods.LogicalType.DuckDBCreateLogicalType(DuckDBType.BigInt);
                TableFunctions.DuckDBBindAddResultColumn(info, SegmentTable.LabelColumn, bigInt);
            }

            if (table.Cardinality is { } rows)
            {
                TableFunctions.DuckDBBindSetCardinality(info, (ulong)rows, true);
            }

            table.Bound();
        }
        catch (Exception e)
        {
            TableFunctions.DuckDBBindSetError(info, e.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Init(nint info)
    {
        try
        {
            var table = (ScanTable)GCHandle.FromIntPtr(TableFunctions.DuckDBInitGetExtraInfo(info)).Target!;
            var outputs = new ulong[TableFunctions.DuckDBInitGetColumnCount(info)];
            for (var i = 0; i < outputs.Length; i++)
            {
                outputs[i] = TableFunctions.DuckDBInitGetColumnIndex(info, (ulong)i);
            }

            var state = table.Open(outputs);
            TableFunctions.DuckDBInitSetInitData(info, GCHandle.ToIntPtr(GCHandle.Alloc(state)), &FreeState);
            NativeDuck.InitSetMaxThreads(info, (ulong)table.MaxThreads);
        }
        catch (Exception e)
        {
            TableFunctions.DuckDBInitSetError(info, e.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Scan(nint info, nint output)
    {
        try
        {
            ((IScanState)GCHandle.FromIntPtr(TableFunctions.DuckDBFunctionGetInitData(info)).Target!).Next(output);
        }
        catch (Exception e)
        {
            TableFunctions.DuckDBFunctionSetError(info, e.Message);
        }
    }
}
