using Gristmill.Data.Planning;
using Gristmill.Data.Rows;

namespace Gristmill.Data.Execution;

/// <summary>Executes flows.</summary>
internal static class FlowRunner
{
    /// <summary>Executes a flow on a thread of its own: DuckDB works on the calling thread, and blocks are waited for.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="work">Takes the result; on failure of any part it is not asked for more.</param>
    /// <param name="writesSql">Whether DuckDB takes the result.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static Task<T> RunAsync<T>(DataFlow flow, Func<FlowRun, FlowCompiler, T> work, bool writesSql, CancellationToken cancellationToken) => Task.Factory.StartNew(
        () =>
        {
            var options = flow.CheckedOptions;
            using var run = new FlowRun(options, FlowCompiler.Shares(flow.Node, options, writesSql), cancellationToken);
            return run.Do(() => work(run, new FlowCompiler(run)));
        }, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Hands each block of a flow to a function, in order.</summary>
    public static Task<FlowProgress> ForEachAsync(DataFlow flow, Action<Block> action, CancellationToken cancellationToken) => RunAsync(flow, (run, compiler) =>
    {
        run.Drain(compiler.Stage(flow.Node), action);
        return run.Progress.Complete();
    }, writesSql: false, cancellationToken);

    /// <summary>Gathers the rows of a flow: each worker those of a block, and then those of the blocks in their order, so that the result does not depend on who was first.</summary>
    public static Task<TState> GatherAsync<TState>(DataFlow flow, Func<TState> seed, Delegate add, Func<TState, TState, TState> combine, CancellationToken cancellationToken) => RunAsync(flow, (run, compiler) =>
    {
        var (input, steps, last) = compiler.Gathered((RowsNode)flow.Node);
        var reading = new RowReading(last.Chain, steps.Count > 0 ? steps[^1].Schema : input.Schema, run.Token);
        var loop = RowLoopBuilder.Gather<TState>(last.Chain, reading.Columns);
        Delegate[] functions = [.. last.Chain.Steps.Select(static step => step.Function), add];
        var gate = new Lock();
        var pending = new Dictionary<long, TState>();
        var (next, result) = (0L, seed());
        void Work()
        {
            var passes = steps.Select(static step => step.Open()).ToArray();
            var readers = reading.Open();
            while (input.Next() is { } part)
            {
                using (part)
                {
                    var state = seed();
                    while (part.Take() is { } block)
                    {
                        block = MapStage.Pass(passes, block);
                        try
                        {
                            state = reading.Run(loop, block, readers, [], functions, state, []);
                        }
                        finally
                        {
                            block.Release();
                        }

                        run.Progress.Advance(block.Rows);
                    }

                    Add(part.Number, state);
                }
            }
        }

        void Add(long number, TState state)
        {
            lock (gate)
            {
                pending.Add(number, state);
                while (pending.Remove(next, out var following))
                {
                    result = combine(result, following);
                    next++;
                }
            }
        }

        // This thread is one of the workers.
        var others = Enumerable.Range(1, run.Options.Workers - 1).Select(_ => run.Start(Work)).ToArray();
        Work();
        Task.WaitAll(others);
        run.ThrowIfFailed();
        run.Progress.Complete();
        return result;
    }, writesSql: false, cancellationToken);
}
