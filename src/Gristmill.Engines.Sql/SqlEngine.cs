using Gristmill.Engines.Sql.Checking;
using Gristmill.Engines.Sql.Joining;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Reading;
using Gristmill.Engines.Sql.Sampling;
using Gristmill.Engines.Sql.Splitting;

namespace Gristmill.Engines.Sql;

/// <summary>
/// SQL and files through DuckDB: "sql.read" (<see cref="ReadOptions"/>), "sql.query" (<see cref="QueryOptions"/>),
/// "sql.split" (<see cref="SplitOptions"/>), "sql.join" (<see cref="JoinOptions"/>), "sql.point-in-time-join" (<see cref="PointInTimeOptions"/>),
/// "sql.shuffle" (<see cref="ShuffleOptions"/>), "sql.sample" (<see cref="SampleOptions"/>) and "sql.check" (<see cref="CheckOptions"/>). Inputs are scanned
/// where they lie in shared memory, and results are written once, into the object they become. Each attempt has an in-memory database of its own.
/// </summary>
/// <param name="options">Limits; null for the defaults.</param>
public sealed class SqlEngine(SqlEngineOptions? options = null) : IStageEngine
{
    private readonly SqlEngineOptions _options = options ?? new SqlEngineOptions();

    /// <summary>Creates the engine with default limits.</summary>
    public SqlEngine() : this(null)
    {
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Type> Operations { get; } = new Dictionary<string, Type>
    {
        [StageOperations.SqlRead] = typeof(ReadOptions),
        [StageOperations.SqlQuery] = typeof(QueryOptions),
        [StageOperations.SqlSplit] = typeof(SplitOptions),
        [StageOperations.SqlJoin] = typeof(JoinOptions),
        [StageOperations.SqlPointInTimeJoin] = typeof(PointInTimeOptions),
        [StageOperations.SqlShuffle] = typeof(ShuffleOptions),
        [StageOperations.SqlSample] = typeof(SampleOptions),
        [StageOperations.SqlCheck] = typeof(CheckOptions),
    };

    /// <inheritdoc/>
    public Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        Func<StageOutputs> run = context.Request.Operation switch
        {
            StageOperations.SqlRead => () => ReadOperation.Run(context, _options, cancellationToken),
            StageOperations.SqlQuery => () => QueryOperation.Run(context, _options, cancellationToken),
            StageOperations.SqlSplit => () => SplitOperation.Run(context, _options, cancellationToken),
            StageOperations.SqlJoin => () => JoinOperation.Run(context, _options, cancellationToken),
            StageOperations.SqlPointInTimeJoin => () => PointInTimeOperation.Run(context, _options, cancellationToken),
            StageOperations.SqlShuffle => () => ShuffleOperation.Run(context, _options, cancellationToken),
            StageOperations.SqlSample => () => SampleOperation.Run(context, _options, cancellationToken),
            StageOperations.SqlCheck => () => CheckOperation.Run(context, _options, cancellationToken),
            var other => throw new GristmillException(ErrorCodes.Invalid, $"The SQL engine has no operation '{other}'.",
                $"Use one of {string.Join(", ", Operations.Keys)}."),
        };

        // DuckDB works on the calling thread until a chunk is there: not one to take from the pool.
        return Task.Factory.StartNew(run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }
}
