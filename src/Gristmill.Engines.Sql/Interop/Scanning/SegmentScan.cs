using System.Collections.Concurrent;
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
    public static void Register(DuckDBNativeConnection connection, string function, SegmentTable table)
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
    private static void FreeTable(nint handle) => Release<SegmentTable>(handle);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeState(nint handle) => Release<ScanState>(handle);

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
            var table = (SegmentTable)GCHandle.FromIntPtr(TableFunctions.DuckDBBindGetExtraInfo(info)).Target!;
            for (var i = 0; i < table.Types.Length; i++)
            {
                TableFunctions.DuckDBBindAddResultColumn(info, table.Schema.GetFieldByIndex(i).Name, table.Types[i]);
            }

            if (table.Partition is not null)
            {
                using var tinyInt = NativeMethods.LogicalType.DuckDBCreateLogicalType(DuckDBType.TinyInt);
                TableFunctions.DuckDBBindAddResultColumn(info, RowPartition.Column, tinyInt);
            }

            TableFunctions.DuckDBBindSetCardinality(info, (ulong)table.Rows, true);
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
            var table = (SegmentTable)GCHandle.FromIntPtr(TableFunctions.DuckDBInitGetExtraInfo(info)).Target!;
            var outputs = new ulong[TableFunctions.DuckDBInitGetColumnCount(info)];
            for (var i = 0; i < outputs.Length; i++)
            {
                outputs[i] = TableFunctions.DuckDBInitGetColumnIndex(info, (ulong)i);
            }

            var state = new ScanState(table, outputs);
            TableFunctions.DuckDBInitSetInitData(info, GCHandle.ToIntPtr(GCHandle.Alloc(state)), &FreeState);
            NativeDuck.InitSetMaxThreads(info, (ulong)Math.Clamp(table.Chunks, 1, table.Threads));
            table.Progress?.Begin(table.Rows);
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
            ((ScanState)GCHandle.FromIntPtr(TableFunctions.DuckDBFunctionGetInitData(info)).Target!).Next(output);
        }
        catch (Exception e)
        {
            TableFunctions.DuckDBFunctionSetError(info, e.Message);
        }
    }

    /// <summary>One execution of the function: which columns, and the next chunk to hand out.</summary>
    private sealed class ScanState : IDisposable
    {
        private readonly SegmentTable _table;
        private readonly int[] _columns;
        private readonly int[] _targets;
        private readonly int _partitionTarget = -1;
        private readonly ConvertedSchema? _schema;
        private readonly ConcurrentBag<ArrowSlice> _slices = [];
        private long _next;

        public ScanState(SegmentTable table, ulong[] outputs)
        {
            _table = table;
            var columns = new List<int>(outputs.Length);
            var targets = new List<int>(outputs.Length);
            for (var i = 0; i < outputs.Length; i++)
            {
                // Beyond the columns lie virtual ones, such as the one that stands for "any" in count(*).
                if (outputs[i] < (ulong)table.Types.Length)
                {
                    columns.Add((int)outputs[i]);
                    targets.Add(i);
                }
                else if (outputs[i] == (ulong)table.Types.Length && table.Partition is not null)
                {
                    _partitionTarget = i;
                }
            }

            _columns = [.. columns];
            _targets = [.. targets];
            if (_columns.Length > 0)
            {
                _schema = ConvertedSchema.Of(table.Connection, new Schema(_columns.Select(table.Schema.GetFieldByIndex), null));
            }
        }

        public void Next(nint output)
        {
            var chunk = Interlocked.Increment(ref _next) - 1;
            if (chunk >= _table.Chunks)
            {
                NativeDuck.DataChunkSetSize(output, 0);
                return;
            }

            var (batch, start, count) = _table.Chunk(chunk);
            if (_schema is not null)
            {
                Reference(output, _schema, batch, start, count);
            }

            if (_partitionTarget >= 0)
            {
                var parts = (sbyte*)NativeDuck.VectorGetData(NativeDuck.DataChunkGetVector(output, (ulong)_partitionTarget));
                var row = _table.FirstRow[batch] + start;
                for (var i = 0; i < count; i++)
                {
                    parts[i] = _table.Partition!.Of(row + i);
                }
            }

            NativeDuck.DataChunkSetSize(output, (ulong)count);
            _table.Progress?.Advance(count);
        }

        public void Dispose()
        {
            _schema?.Dispose();
            foreach (var slice in _slices)
            {
                slice.Dispose();
            }
        }

        private void Reference(nint output, ConvertedSchema schema, int batch, int start, int count)
        {
            var nodes = new ArrowNode[_columns.Length];
            for (var i = 0; i < nodes.Length; i++)
            {
                nodes[i] = _table.Node(batch, _columns[i]);
            }

            if (!_slices.TryTake(out var slice))
            {
                slice = new ArrowSlice();
            }

            nint chunk = 0;
            try
            {
                if (slice.Batch != batch)
                {
                    slice.Bind(batch, nodes);
                }

                chunk = ToChunk(_table.Connection, schema, slice, slice.Narrow(nodes, start, count));
                for (var i = 0; i < _targets.Length; i++)
                {
                    NativeDuck.VectorReferenceVector(
                        NativeDuck.DataChunkGetVector(output, (ulong)_targets[i]),
                        NativeDuck.DataChunkGetVector(chunk, (ulong)i));
                }
            }
            finally
            {
                if (chunk != 0)
                {
                    NativeDuck.DestroyDataChunk(ref chunk);
                }

                _slices.Add(slice);
            }
        }
    }
}
