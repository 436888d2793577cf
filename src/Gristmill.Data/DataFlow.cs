using Apache.Arrow;
using Gristmill.Data.Planning;
using Gristmill.Data.Rows;
using Gristmill.Data.Sources;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Data;

/// <summary>
/// A chain of steps over rows: read, SQL, functions in C#. It is a description, and immutable: nothing is read before one of the methods that end with Async is
/// called, and each such call executes the chain anew. Rows then flow through in blocks, by as many workers as there are processors and in bounded memory, so
/// that data may be larger than it; their order is kept.
/// </summary>
/// <remarks>
/// Steps that follow each other are done as one: readers and SQL as one query of DuckDB, which reads only the columns and parts of files that are needed, and
/// functions in C# as one pass over a block.
/// </remarks>
public partial class DataFlow
{
    private readonly FlowOptions? _options;

    private protected DataFlow(FlowNode node, FlowOptions? options) => (Node, _options) = (node, options);

    internal FlowNode Node { get; }

    /// <summary>What the flow may use.</summary>
    public FlowOptions Options => _options ?? new FlowOptions();

    internal FlowOptions CheckedOptions => Options.Check();

    internal bool HasOptions => _options is not null;

    private protected FlowOptions? OwnOptions => _options;

    /// <summary>Reads files.</summary>
    /// <param name="path">A file, a folder with all below it, or a pattern with *, **, ? and [a-z]. Formats are told by the files' endings (<see cref="FileFormat"/>).</param>
    /// <param name="options">How; null for the defaults.</param>
    public static DataFlow Read(string path, FileReadOptions? options = null) => Read([path], options);

    /// <summary>Reads files, one behind the other.</summary>
    /// <param name="paths">Files, folders and patterns.</param>
    /// <param name="options">How; null for the defaults.</param>
    public static DataFlow Read(IEnumerable<string> paths, FileReadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        string[] all = [.. paths];
        ArgumentOutOfRangeException.ThrowIfZero(all.Length, nameof(paths));
        return new DataFlow(new FilesNode(new FileRead(all, options ?? new FileReadOptions())), null);
    }

    /// <summary>Reads a table where it lies in shared memory; the flow takes a lease of its own while it is executed, so the dataset must still be open then.</summary>
    public static DataFlow From(Dataset dataset)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        return From(dataset.Lease);
    }

    /// <summary>Reads an object where it lies in shared memory; the flow takes a lease of its own while it is executed, so this one must still be held then.</summary>
    public static DataFlow From(ObjectLease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return new DataFlow(new BatchesNode($"object {lease.Ref.Id}", () =>
        {
            var own = lease.Share();
            return new OpenedBatches(own.Schema, own.Batches, own);
        }), null);
    }

    /// <summary>Reads batches, which stay the caller's.</summary>
    /// <param name="schema">Their schema.</param>
    /// <param name="batches">The rows.</param>
    public static DataFlow From(Schema schema, IReadOnlyList<RecordBatch> batches)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(batches);
        return new DataFlow(new BatchesNode($"{batches.Count} batches", () => new OpenedBatches(schema, batches, null)), null);
    }

    /// <summary>The same flow with other options.</summary>
    public DataFlow With(FlowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new DataFlow(Node, options);
    }

    /// <summary>Queries the rows so far, which the query calls input, in DuckDB's dialect: <c>flow.Sql("select origin, avg(delay) from input group by origin")</c>.</summary>
    /// <param name="query">One SELECT.</param>
    public DataFlow Sql(string query)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(query);
        return new DataFlow(new SqlNode(Node, query, [], []), _options);
    }

    /// <summary>
    /// Queries the rows so far, input, with other flows and values in braces: <c>flow.Sql($"select i.*, a.city from input i join {airports} a on a.iata = i.origin
    /// where distance > {least}")</c>. Values are bound and never become text.
    /// </summary>
    /// <param name="query">One SELECT.</param>
    public DataFlow Sql(SqlTemplate query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return new DataFlow(new SqlNode(Node, query.Query, query.Values, query.Tables), _options);
    }

    /// <summary>Some of the columns, in this order.</summary>
    public DataFlow Select(params IReadOnlyList<string> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentOutOfRangeException.ThrowIfZero(columns.Count, nameof(columns));
        var names = string.Join(", ", columns.Select(Engines.Sql.Sessions.QueryText.Identifier));
        return Sql("select " + names + " from input");
    }

    /// <summary>
    /// A random share of the rows, in their order: each is kept or left out for itself, by its number and the seed, so that there are about so many,
    /// and the same ones each time. A sample of an exact size, or of groups, is a stage's: <c>p.Sample(rows)</c>.
    /// </summary>
    /// <param name="fraction">From 0 to 1.</param>
    /// <param name="seed">Seed of the choice.</param>
    public DataFlow Sample(double fraction, long seed = 42)
    {
        if (fraction is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "It must be from 0 to 1.");
        }

        // 52 bits of a hash that is the same with every version of DuckDB.
        return Sql(FormattableString.Invariant(
            $"select * from input qualify ('0x' || left(md5('{seed}:' || row_number() over ()), 13))::bigint < {(long)(fraction * (1L << 52))}"));
    }

    /// <summary>The first rows; what follows is not read.</summary>
    public DataFlow Take(long rows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        return Sql(FormattableString.Invariant($"select * from input limit {rows}"));
    }

    /// <summary>
    /// Rows as values of a type. Its constructor's parameters, or the properties that can be set, are bound to columns by name: exactly, else without regard to
    /// case and underscores, or as [Column("name")] says. Numbers may become wider types, and narrower ones if each value fits; columns that the type has not are
    /// not read. A null for a member that takes none is an error that names row and column.
    /// </summary>
    /// <typeparam name="T">Best a record struct. A plain type such as double stands for the only column.</typeparam>
    public DataFlow<T> As<T>() => new(new RowsNode(Node, new RowChain(typeof(T), [])), _options);

    /// <summary>Turns each row into another: <c>flow.Map((Flight f) => new Late(f.Delay > 15, f.Distance))</c>. Called by several threads at once.</summary>
    /// <typeparam name="TIn">The row type that is read, as with <see cref="As{T}"/>.</typeparam>
    /// <typeparam name="TOut">The row type that it becomes; each public property is a column of its name.</typeparam>
    public DataFlow<TOut> Map<TIn, TOut>(Func<TIn, TOut> map) => As<TIn>().Map(map);

    /// <summary>Leaves out rows: those that stay have the columns of the row type. Called by several threads at once.</summary>
    public DataFlow<T> Where<T>(Func<T, bool> predicate) => As<T>().Where(predicate);

    /// <summary>
    /// Turns each block of rows into another. Called by several threads at once, and once beforehand with no rows, to learn the columns of the result. The batch
    /// is the flow's: nothing of it may be kept.
    /// </summary>
    public DataFlow MapBatches(Func<RecordBatch, RecordBatch> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new DataFlow(new BlocksNode(Node, map), _options);
    }

    /// <summary>What is done, and what is done as one, for people.</summary>
    public string Explain() => FlowPlan.Describe(Node, Options);
}
