namespace Gristmill.Engines;

/// <summary>
/// Runs the operations of one engine ("sql.read", "sql.query", ...). To add an engine: implement this and, if it has
/// models, <see cref="IModelEngine"/>, in a project of its own, and name both where the worker composes its engines.
/// </summary>
public interface IStageEngine
{
    /// <summary>
    /// The operations it runs, full names such as "sql.query", each with the type of its options: a pipeline whose options do not fit
    /// is refused when it is registered, and not hours later in its run.
    /// </summary>
    IReadOnlyDictionary<string, Type> Operations { get; }

    /// <summary>Runs one attempt. Heavy libraries load on the first call, not before.</summary>
    Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken);
}
