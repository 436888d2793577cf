using Apache.Arrow;
using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql;

/// <summary>The result of a running statement, read block by block; DuckDB works ahead as far as its buffer goes. Not safe for several threads.</summary>
public sealed class SqlResult : IDisposable
{
    private readonly QueryMonitor _monitor;
    private readonly Func<string, Exception> _fail;
    private readonly CancellationToken _cancellationToken;
    private readonly ColumnWriter[] _columns;
    private DuckDBResult _result;
    private bool _ended;
    private bool _disposed;

    internal SqlResult(ref DuckDBResult result, QueryMonitor monitor, Func<string, Exception> fail, CancellationToken cancellationToken)
    {
        _columns = ColumnWriters.Of(ref result);
        Schema = ColumnWriters.SchemaOf(_columns);
        (_result, _monitor, _fail, _cancellationToken) = (result, monitor, fail, cancellationToken);
    }

    /// <summary>Columns and their types; all may be null.</summary>
    public Schema Schema { get; }

    /// <summary>The next block.</summary>
    /// <param name="memory">Gives the memory for the columns of a block; not asked at the end.</param>
    /// <param name="rows">Rows at which a block is full; it has up to 2,048 more.</param>
    /// <param name="bytes">Bytes at which it is full.</param>
    /// <returns>Null after the last.</returns>
    public RecordBatch? Read(Func<IColumnMemory> memory, int rows, long bytes)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var chunks = new ChunkBatch();
        while (!_ended && chunks.Rows < rows && chunks.Bytes < bytes)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            var chunk = NativeMethods.Query.DuckDBFetchChunk(_result);
            if (chunk.IsInvalid)
            {
                chunk.Dispose();
                _ended = true;
                if (NativeMethods.Query.DuckDBResultError(ref _result) is { Length: > 0 } error)
                {
                    throw _fail(error);
                }

                break;
            }

            chunks.Add(chunk, _columns);
        }

        if (chunks.Rows == 0)
        {
            return null;
        }

        var output = memory();
        var arrays = new IArrowArray[_columns.Length];
        for (var i = 0; i < arrays.Length; i++)
        {
            arrays[i] = ArrowArrayFactory.BuildArray(_columns[i].Write(chunks.Slices(i), chunks.Rows, output));
        }

        return new RecordBatch(Schema, arrays, chunks.Rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            NativeMethods.Query.DuckDBDestroyResult(ref _result);
            _monitor.Dispose();
        }
    }
}
