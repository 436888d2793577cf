using Gristmill.Data.Execution;
using Gristmill.Data.Planning;
using Gristmill.Objects;

namespace Gristmill.Data.Writing;

/// <summary>Flows that end as objects.</summary>
internal static class ObjectSink
{
    public static Task<ObjectRef> WriteAsync(DataFlow flow, ObjectStore store, CancellationToken cancellationToken) => flow.Node.IsSql(flow.Options.BaseDirectory)
        ? FlowRunner.RunAsync(flow, (run, compiler) =>
        {
            var unit = new SqlUnit(run, compiler, flow.Node);
            ObjectRef made;
            using (var statement = unit.Prepare(static text => text))
            {
                made = statement.RunToObject(store, run.Token);
            }

            return Finish(run, made, store, unit);
        }, writesSql: true, cancellationToken)
        : FlowRunner.RunAsync(flow, (run, compiler) =>
        {
            var stage = compiler.Stage(flow.Node);
            using var writer = store.Create(stage.Schema);
            run.Drain(stage, block => writer.Append(block.Batch));
            var made = writer.Seal();
            run.Progress.Complete();
            return made;
        }, writesSql: false, cancellationToken);

    private static ObjectRef Finish(FlowRun run, ObjectRef made, ObjectStore store, SqlUnit unit)
    {
        try
        {
            unit.FinishFiles();
            run.ThrowIfFailed();
            run.Progress.Advance(made.Rows);
            run.Progress.Complete();
            return made;
        }
        catch
        {
            // A flow that fails leaves nothing behind.
            store.Delete(made.Id);
            throw;
        }
    }
}
