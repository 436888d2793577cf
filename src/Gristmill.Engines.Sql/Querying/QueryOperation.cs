using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>"sql.query".</summary>
internal static class QueryOperation
{
    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        var options = context.Options<QueryOptions>();
        using var session = DuckSession.Open(context, engine);
        foreach (var (name, artifact) in context.Request.Inputs)
        {
            if (artifact.Kind == ArtifactKind.Dataset)
            {
                var lease = context.Dataset(name);
                session.AddInput(name, new SegmentTable(lease.Schema, lease.Batches, lease));
            }
            else if (artifact.Collection is { Items: { } items } collection)
            {
                session.AddInput(name, CollectedTables.Open(context, collection.Stage, items));
            }
        }

        session.Seal();
        Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), options.Query, context, cancellationToken);
        using var statement = DuckStatement.Prepare(session, options.Query, Fail);
        ParameterBinder.Bind(statement, options.Values);
        return StageOutputs.Of(statement.Run(context.Objects, cancellationToken));
    }
}
