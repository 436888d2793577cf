using Apache.Arrow;
using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql.Sessions;

/// <summary>One prepared SELECT.</summary>
internal sealed class DuckStatement : IDisposable
{
    private readonly DuckSession _session;
    private readonly Func<string, Exception> _fail;

    private DuckStatement(DuckSession session, DuckDBPreparedStatement handle, Func<string, Exception> fail)
    {
        _session = session;
        Handle = handle;
        _fail = fail;
    }

    public DuckDBPreparedStatement Handle { get; }

    /// <summary>Names of the parameters, without the dollar sign, in the order of their numbers.</summary>
    public IReadOnlyList<string> Parameters =>
        [.. Enumerable.Range(1, (int)NativeMethods.PreparedStatements.DuckDBParams(Handle)).Select(i => NativeDuck.ParameterName(Handle, i))];

    /// <summary>Names of the result's columns.</summary>
    public IReadOnlyList<string> Columns =>
        [.. Enumerable.Range(0, (int)NativeDuck.PreparedColumnCount(Handle)).Select(i => NativeDuck.PreparedColumnName(Handle, (ulong)i))];

    /// <summary>The schema of the result. Parameters without a type of their own leave columns without one.</summary>
    /// <exception cref="GristmillException">sql.error: two columns have one name; type_mismatch.</exception>
    public Schema Schema
    {
        get
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            return ColumnWriters.SchemaOf(Columns.Select((name, i) =>
            {
                using var type = NativeDuck.PreparedColumnType(Handle, (ulong)i);
                return ColumnWriters.Create(ColumnWriters.Unique(names, name), type);
            }));
        }
    }

    /// <summary>Prepares a text that must be one SELECT (or VALUES, FROM, WITH, DESCRIBE, SUMMARIZE).</summary>
    /// <param name="session">The database.</param>
    /// <param name="sql">The text.</param>
    /// <param name="fail">Makes an exception of what DuckDB reports.</param>
    /// <param name="others">Whether it may be a COPY or EXPLAIN too.</param>
    public static DuckStatement Prepare(DuckSession session, string sql, Func<string, Exception> fail, bool others = false)
    {
        var count = NativeMethods.ExtractStatements.DuckDBExtractStatements(session.Native, sql, out var statements);
        using (statements)
        {
            if (count <= 0)
            {
                var error = NativeMethods.ExtractStatements.DuckDBExtractStatementsError(statements);
                throw string.IsNullOrEmpty(error)
                    ? new GristmillException(ErrorCodes.Sql, "The query is empty.", "Write a SELECT.")
                    : fail(error);
            }

            if (count > 1)
            {
                throw new GristmillException(ErrorCodes.Sql, $"The query is {count} statements, and a stage runs one.",
                    "Use WITH for steps in between, or a stage for each; name the values of a PIVOT with IN (...).");
            }

            var state = NativeMethods.ExtractStatements.DuckDBPrepareExtractedStatement(session.Native, statements, 0, out var handle);
            try
            {
                if (!state.IsSuccess())
                {
                    throw fail(NativeMethods.PreparedStatements.DuckDBPrepareError(handle));
                }

                var type = NativeDuck.PreparedStatementType(handle);
                return type == DuckDBStatementType.Select || (others && type is DuckDBStatementType.Copy or DuckDBStatementType.Explain)
                    ? new DuckStatement(session, handle, fail)
                    : throw new GristmillException(ErrorCodes.Sql, $"The query is a statement of the kind {type}, and only SELECT is allowed.",
                        "A stage reads its inputs and returns a table; it changes nothing.");
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
    }

    /// <summary>Runs it into a new object.</summary>
    public ObjectRef Run(ObjectStore store, CancellationToken cancellationToken) => Run(store, statistics: false, cancellationToken);

    /// <summary>Runs it into a new object whose columns have other names, which need not be such as SQL can have.</summary>
    public ObjectRef Run(ObjectStore store, IReadOnlyList<string> names, CancellationToken cancellationToken) => Run(store, statistics: false, names, cancellationToken);

    /// <summary>Runs it into a new object.</summary>
    /// <param name="store">Where the object goes.</param>
    /// <param name="statistics">Whether what the table holds is computed on the way (<see cref="ObjectWriter.CollectStatistics"/>).</param>
    /// <param name="cancellationToken">Interrupts it.</param>
    public ObjectRef Run(ObjectStore store, bool statistics, CancellationToken cancellationToken) => Run(store, statistics, null, cancellationToken);

    private ObjectRef Run(ObjectStore store, bool statistics, IReadOnlyList<string>? names, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var monitor = new QueryMonitor(_session.Native, _session.Settings.Report, _session.Scans, cancellationToken);
        var state = NativeMethods.PreparedStatements.DuckDBExecutePreparedStreaming(Handle, out var result);
        try
        {
            return state.IsSuccess()
                ? SegmentResult.Write(store, ref result, names, _session.Settings.Threads > 1, statistics, _fail, monitor, cancellationToken)
                : throw _fail(NativeMethods.Query.DuckDBResultError(ref result));
        }
        finally
        {
            NativeMethods.Query.DuckDBDestroyResult(ref result);
        }
    }

    /// <summary>Starts it; the result is read block by block.</summary>
    public SqlResult Open(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var monitor = new QueryMonitor(_session.Native, _session.Settings.Report, _session.Scans, cancellationToken);
        var result = default(DuckDBResult);
        try
        {
            return NativeMethods.PreparedStatements.DuckDBExecutePreparedStreaming(Handle, out result).IsSuccess()
                ? new SqlResult(ref result, monitor, _fail, cancellationToken)
                : throw _fail(NativeMethods.Query.DuckDBResultError(ref result));
        }
        catch
        {
            NativeMethods.Query.DuckDBDestroyResult(ref result);
            monitor.Dispose();
            throw;
        }
    }

    public void Dispose() => Handle.Dispose();
}
