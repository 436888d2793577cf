using Apache.Arrow;
using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Sessions;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// Writes a streaming DuckDB result into a new object: chunks are kept until they make a batch, then each column goes
/// from its vectors to the segment at once. With more than one thread the next batch is fetched while one is written.
/// </summary>
internal sealed class SegmentResult : IDisposable
{
    /// <summary>Rows of a batch, at most: one row group of DuckDB's.</summary>
    public const int MaxBatchRows = 60 * NativeDuck.VectorSize;

    /// <summary>
    /// Bytes of a batch, roughly at most, unless 2,048 rows take more. As much waits once more while one is written, and from 1.5 to 2 MiB on DuckDB's allocator gives the
    /// system back what is freed, and each chunk lies in fresh pages: a gigabyte was fetched at 5 GB/s with 12 chunks of 128 KiB kept, at 0.6 with 16, and at 0.3 with 60.
    /// </summary>
    private const long MaxBatchBytes = 640 << 10;

    /// <summary>How many batches a result is taken for that has more than one.</summary>
    private const int LikelyBatches = 16;

    private readonly ObjectStore _store;
    private readonly ColumnWriter[] _columns;
    private readonly bool _overlap;
    private readonly bool _statistics;
    private readonly QueryMonitor _monitor;
    private ObjectWriter? _writer;
    private Task _writing = Task.CompletedTask;

    private SegmentResult(ObjectStore store, ColumnWriter[] columns, bool overlap, bool statistics, QueryMonitor monitor)
    {
        _store = store;
        _columns = columns;
        _overlap = overlap;
        _statistics = statistics;
        _monitor = monitor;
    }

    /// <summary>Takes a result to its end.</summary>
    /// <param name="store">Where the object goes.</param>
    /// <param name="result">A streaming result that was executed without an error.</param>
    /// <param name="names">The columns' names; null: as the result has them.</param>
    /// <param name="overlap">Whether to write on a second thread.</param>
    /// <param name="statistics">Whether the object is described on the way.</param>
    /// <param name="fail">Makes the exception of an error that DuckDB reports in between.</param>
    /// <param name="monitor">Knows how far the query is; told the rows so far, about once a batch.</param>
    /// <param name="cancellationToken">Looked at between chunks.</param>
    public static ObjectRef Write(
        ObjectStore store, ref DuckDBResult result, IReadOnlyList<string>? names, bool overlap, bool statistics, Func<string, Exception> fail, QueryMonitor monitor,
        CancellationToken cancellationToken)
    {
        var columns = ColumnWriters.Of(ref result, names);
        using var segment = new SegmentResult(store, columns, overlap, statistics, monitor);
        var batch = new ChunkBatch();
        try
        {
            long rows = 0;
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var chunk = NativeMethods.Query.DuckDBFetchChunk(result);
                if (chunk.IsInvalid)
                {
                    chunk.Dispose();
                    break;
                }

                rows += batch.Add(chunk, columns);
                if ((batch.Rows > MaxBatchRows - NativeDuck.VectorSize || batch.Bytes > MaxBatchBytes))
                {
                    segment.Flush(batch, more: true);
                    batch = new ChunkBatch();
                    monitor.Fetched(rows);
                }
            }

            if (NativeMethods.Query.DuckDBResultError(ref result) is { Length: > 0 } error)
            {
                throw fail(error);
            }

            if (batch.Rows > 0 || rows == 0)
            {
                segment.Flush(batch, more: false);
                batch = new ChunkBatch();
            }

            segment._writing.GetAwaiter().GetResult();
            monitor.Fetched(rows);
            return segment._writer!.Seal();
        }
        finally
        {
            batch.Dispose();
        }
    }

    /// <summary>Waits for the write under way: it uses chunks and the writer, which go next.</summary>
    public void Dispose()
    {
        try
        {
            _writing.Wait();
        }
        catch (AggregateException)
        {
            // What failed is thrown where the result is taken; here something else failed before.
        }

        _writer?.Dispose();
    }

    private void Flush(ChunkBatch batch, bool more)
    {
        try
        {
            // A failed write is thrown here, before the next one.
            _writing.GetAwaiter().GetResult();
        }
        catch
        {
            batch.Dispose();
            throw;
        }

        // Made when it is known what there is: a small result is a small object, and one that is larger is never moved.
        if (_writer is null)
        {
            var bytes = batch.Bytes + ((batch.Rows / 8 + 64) * _columns.Length);
            // Its size is a guess, from how much of its inputs it took so far, if DuckDB knows: for a large one the memory of a large one that was deleted is looked for.
            var likely = !more ? bytes : _monitor.Fraction is > 0 and var fraction ? Math.Min(bytes / fraction, _store.CapacityBytes) : LikelyBatches * bytes;
            _writer = _store.Create(ColumnWriters.SchemaOf(_columns), bytes, (long)likely);
            if (_statistics)
            {
                _writer.CollectStatistics();
            }
        }

        if (_overlap)
        {
            _writing = Task.Run(() => Write(batch));
        }
        else
        {
            Write(batch);
        }
    }

    private void Write(ChunkBatch batch)
    {
        using (batch)
        {
            var writer = _writer!;
            var memory = new SegmentColumns(writer);
            writer.BeginBatch();
            var arrays = new IArrowArray[_columns.Length];
            for (var i = 0; i < arrays.Length; i++)
            {
                arrays[i] = ArrowArrayFactory.BuildArray(_columns[i].Write(batch.Slices(i), batch.Rows, memory));
            }

            writer.EndBatch(batch.Rows, arrays);
        }
    }

    private sealed class SegmentColumns(ObjectWriter writer) : IColumnMemory
    {
        public Memory<byte> Allocate(int bytes) => writer.Allocate(bytes);

        public Memory<byte> AllocateUninitialized(int bytes) => writer.AllocateUninitialized(bytes);
    }
}
