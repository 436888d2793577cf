using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Planning;
using Gristmill.Data.Sources;
using Gristmill.Objects;

namespace Gristmill.Data;

public partial class DataFlow
{
    /// <summary>The columns of the result, found without reading rows.</summary>
    public Task<Schema> GetSchemaAsync(CancellationToken cancellationToken = default) =>
        FlowRunner.RunAsync(this, (_, compiler) => compiler.Stage(Node).Schema, writesSql: false, cancellationToken);

    /// <summary>How many rows there are.</summary>
    public Task<long> CountAsync(CancellationToken cancellationToken = default) => Node switch
    {
        RowsNode rows => CountAsync(this, rows, cancellationToken),
        _ when Node.IsSql(Options.BaseDirectory) => FlowRunner.RunAsync(this, (run, compiler) =>
        {
            var unit = new SqlUnit(run, compiler, Node);
            using var statement = unit.Prepare(static text => $"select count(*) from (\n{text}\n)");
            var count = SqlScalars.Number(statement, run.Token);
            unit.FinishFiles();
            run.Progress.Advance(count);
            run.ThrowIfFailed();
            run.Progress.Complete();
            return count;
        }, writesSql: false, cancellationToken),
        _ => CountBlocksAsync(cancellationToken),
    };

    /// <summary>The sum of a column, nulls left out; 0 where there is nothing to sum up.</summary>
    public Task<double> SumAsync(string column, CancellationToken cancellationToken = default) => NumberAsync("coalesce(sum", column, ", 0)", cancellationToken);

    /// <summary>The mean of a column, nulls left out; not a number where there are none.</summary>
    public Task<double> MeanAsync(string column, CancellationToken cancellationToken = default) => NumberAsync("coalesce(avg", column, ", 'nan')", cancellationToken);

    /// <summary>Calls a function with each block of the result, in order, one at a time. The batch is the flow's: nothing of it may be kept.</summary>
    public async Task<FlowResult> ForEachBlockAsync(Action<RecordBatch> action, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(action);
        return new FlowResult(null, await FlowRunner.ForEachAsync(this, block => action(block.Batch), cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// The blocks of the result, in order. Each is the caller's, who disposes it; the flow works a few blocks ahead. Leaving the loop ends the flow.
    /// </summary>
    public async IAsyncEnumerable<RecordBatch> BatchesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var channel = Channel.CreateBounded<OwnedBatch>(new BoundedChannelOptions(1) { SingleReader = true, SingleWriter = true });
        var flow = Task.CompletedTask;
        try
        {
            flow = FlowRunner.RunAsync(this, (run, compiler) =>
            {
                try
                {
                    var stage = compiler.Stage(Node);
                    while (stage.Take(out _) is { } block)
                    {
                        var batch = new OwnedBatch(block);
                        try
                        {
                            channel.Writer.WriteAsync(batch, run.Token).AsTask().GetAwaiter().GetResult();
                        }
                        catch
                        {
                            batch.Dispose();
                            throw;
                        }

                        run.Progress.Advance(block.Rows);
                    }

                    run.ThrowIfFailed();
                    run.Progress.Complete();
                    return true;
                }
                finally
                {
                    // Batches that are views over a lease are read before it ends.
                    channel.Writer.Complete();
                    channel.Reader.Completion.Wait(CancellationToken.None);
                }
            }, writesSql: false, end.Token);
            await foreach (var batch in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return batch;
            }

            await flow.ConfigureAwait(false);
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            while (channel.Reader.TryRead(out var batch))
            {
                batch.Dispose();
            }

            await flow.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Writes the result into an object in shared memory; SQL's straight into its segment.</summary>
    /// <param name="store">The host's objects.</param>
    /// <param name="cancellationToken">Ends it; no object is left then.</param>
    public Task<ObjectRef> ToObjectAsync(ObjectStore store, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        return Writing.ObjectSink.WriteAsync(this, store, cancellationToken);
    }

    private static async Task<long> CountAsync(DataFlow flow, RowsNode rows, CancellationToken cancellationToken)
    {
        // The row type is known to the chain alone.
        var add = typeof(RowCounter<>).MakeGenericType(rows.Chain.Output).GetField(nameof(RowCounter<int>.Add))!.GetValue(null)!;
        return await FlowRunner.GatherAsync(flow, static () => 0L, (Delegate)add, static (a, b) => a + b, cancellationToken).ConfigureAwait(false);
    }

    private async Task<long> CountBlocksAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        await FlowRunner.ForEachAsync(this, block => count += block.Rows, cancellationToken).ConfigureAwait(false);
        return count;
    }

    private Task<double> NumberAsync(string before, string column, string after, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(column);
        var query = $"select cast({before}({Engines.Sql.Sessions.QueryText.Identifier(column)}){after} as double) as value from input";
        return new DataFlow(new SqlNode(Node, query, [], []), OwnOptions).As<double>().SumAsync(static value => value, cancellationToken);
    }

    private static class RowCounter<T>
    {
        public static readonly Func<long, T, long> Add = static (count, _) => count + 1;
    }
}
