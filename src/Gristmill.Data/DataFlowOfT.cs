using System.Runtime.CompilerServices;
using Gristmill.Data.Execution;
using Gristmill.Data.Planning;
using Gristmill.Data.Rows;

namespace Gristmill.Data;

/// <summary>A flow whose rows are values of a type. Steps on it need no name for the type, and follow each other row by row, with no columns in between.</summary>
/// <typeparam name="T">The row type.</typeparam>
public sealed class DataFlow<T> : DataFlow
{
    internal DataFlow(FlowNode node, FlowOptions? options)
        : base(node, options)
    {
    }

    /// <summary>The same flow with other options.</summary>
    public new DataFlow<T> With(FlowOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new DataFlow<T>(Node, options);
    }

    /// <summary>Turns each row into another. Called by several threads at once.</summary>
    public DataFlow<TOut> Map<TOut>(Func<T, TOut> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return new DataFlow<TOut>(Extend(new RowStep(RowStepKind.Map, map, typeof(TOut))), OwnOptions);
    }

    /// <summary>Leaves out rows. Called by several threads at once.</summary>
    public DataFlow<T> Where(Func<T, bool> predicate)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return new DataFlow<T>(Extend(new RowStep(RowStepKind.Where, predicate, typeof(T))), OwnOptions);
    }

    /// <summary>
    /// Gathers all rows into one value: each worker gathers those of a block, and the blocks' values are combined in order, so that the result is the same
    /// whichever was first.
    /// </summary>
    /// <param name="seed">Makes a value of no rows.</param>
    /// <param name="add">Adds a row.</param>
    /// <param name="combine">Combines the values of rows before and rows after.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<TState> AggregateAsync<TState>(Func<TState> seed, Func<TState, T, TState> add, Func<TState, TState, TState> combine, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(seed);
        ArgumentNullException.ThrowIfNull(add);
        ArgumentNullException.ThrowIfNull(combine);
        return FlowRunner.GatherAsync(this, seed, add, combine, cancellationToken);
    }

    /// <summary>Count, sum, mean, least and greatest of a number of each row, in one pass.</summary>
    public Task<RowSummary> SummarizeAsync(Func<T, double> number, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(number);
        return AggregateAsync(static () => RowSummary.None, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (summary, row) => summary.Add(number(row)), static (a, b) => a.Add(b), cancellationToken);
    }

    /// <summary>The sum of a number of each row.</summary>
    public Task<double> SumAsync(Func<T, double> number, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(number);
        return AggregateAsync(static () => 0.0, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (sum, row) => sum + number(row), static (a, b) => a + b, cancellationToken);
    }

    /// <summary>The mean of a number of each row; not a number where there are none.</summary>
    public async Task<double> MeanAsync(Func<T, double> number, CancellationToken cancellationToken = default) =>
        (await SummarizeAsync(number, cancellationToken).ConfigureAwait(false)).Mean;

    /// <summary>All rows, in memory.</summary>
    public Task<List<T>> ToListAsync(CancellationToken cancellationToken = default) => AggregateAsync(static () => new List<T>(), static (rows, row) =>
    {
        rows.Add(row);
        return rows;
    }, static (all, rows) =>
    {
        all.AddRange(rows);
        return all;
    }, cancellationToken);

    private RowsNode Extend(RowStep step)
    {
        var rows = (RowsNode)Node;
        return rows with { Chain = rows.Chain.Add(step) };
    }
}
