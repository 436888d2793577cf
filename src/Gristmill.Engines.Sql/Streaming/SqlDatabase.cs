using System.Globalization;
using Apache.Arrow;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql;

/// <summary>
/// One in-memory DuckDB database with limits of its own, for statements that read files, Arrow batches where they lie, and streams of them, and whose
/// results are read block by block. Nothing is loaded from outside and nothing is kept. One statement runs at a time.
/// </summary>
public sealed class SqlDatabase : IDisposable
{
    private readonly DuckSession _session;
    private readonly Dictionary<string, ScanTable> _tables = new(StringComparer.Ordinal);

    private SqlDatabase(DuckSession session) => _session = session;

    /// <summary>Opens a database.</summary>
    public static SqlDatabase Open(SqlDatabaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var session = DuckSession.Open(new DuckSettings(Math.Max(1, options.Threads), Math.Max(1, options.MemoryBytes >> 20), options.TempDirectory,
            options.Progress is { } told ? (fraction, _) => Tell(told, fraction) : null));
        try
        {
            session.Set("streaming_buffer_size", string.Create(CultureInfo.InvariantCulture, $"'{options.ResultBytes}B'"));
            return new SqlDatabase(session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Makes batches known under a name; they are read where they lie, as often as wanted.</summary>
    /// <param name="name">The view's name.</param>
    /// <param name="schema">Their schema.</param>
    /// <param name="batches">The rows, in order.</param>
    /// <param name="owner">Keeps their memory; disposed with the database.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>: a column has a type that SQL cannot read.</exception>
    public void AddTable(string name, Schema schema, IReadOnlyList<RecordBatch> batches, IDisposable? owner)
    {
        ArgumentNullException.ThrowIfNull(batches);
        Add(name, new SegmentTable(schema, batches, owner));
    }

    /// <summary>Makes a stream known under a name. Its rows pass once: a statement that reads them twice fails.</summary>
    /// <param name="name">The view's name.</param>
    /// <param name="schema">Schema of the blocks.</param>
    /// <param name="take">The next block, which DuckDB's threads wait for, one at a time; null after the last.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>: a column has a type that SQL cannot read.</exception>
    public void AddStream(string name, Schema schema, Func<SqlBlock?> take)
    {
        ArgumentNullException.ThrowIfNull(take);
        Add(name, new StreamTable(schema, take));
    }

    /// <summary>How often the statements prepared so far name a table or stream.</summary>
    public int CountUses(string name) => _tables[name].Bindings;

    /// <summary>Prepares one SELECT, or one COPY.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="fail">Makes an exception of what DuckDB reports, now or while it runs.</param>
    public SqlStatement Prepare(string sql, Func<DuckError, Exception> fail)
    {
        ArgumentNullException.ThrowIfNull(fail);
        return new SqlStatement(DuckStatement.Prepare(_session, sql, error => fail(DuckError.Parse(error)), others: true));
    }

    /// <summary>A second connection, for a second statement at a time: it has the same limits, and tables of its own. It is disposed before this one.</summary>
    public SqlDatabase Connect() => new(_session.Connect());

    /// <summary>Changes a setting of DuckDB's.</summary>
    public void Set(string name, string value) => _session.Set(name, value);

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private static void Tell(Action<double> told, double? fraction)
    {
        if (fraction is { } share)
        {
            told(share);
        }
    }

    private void Add(string name, ScanTable table)
    {
        _session.AddInput(name, table);
        _tables.Add(name, table);
    }
}
