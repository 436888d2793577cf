using Gristmill.Data.Writing.Postgres;
using Gristmill.Engines;

namespace Gristmill.Data;

/// <summary>Flows in stages.</summary>
public static class StageFlowExtensions
{
    /// <summary>
    /// A flow over a stage's input, read where it lies in shared memory. A stage's method may return it, or what it makes of it: the flow is then executed into
    /// an object, within the attempt's limits, and its progress is the attempt's.
    /// </summary>
    public static DataFlow Flow(this Dataset dataset) => DataFlow.From(dataset);

    /// <summary>
    /// What a flow may use in an attempt, where it says nothing itself: the attempt's threads, three quarters of its memory limit, and its base folder; its
    /// progress is the attempt's.
    /// </summary>
    public static FlowOptions FlowOptions(this StageContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var options = new FlowOptions { Workers = context.Threads, BaseDirectory = context.BaseDirectory, Progress = new StageReporter(context) };
        return context.Request.Limits.MemoryMiB is > 0 and var limit ? options with { MemoryLimit = Math.Max(Data.FlowOptions.SmallestMemory, ((long)limit << 20) * 3 / 4) } : options;
    }

    /// <summary>Executes a flow into an object, as a stage's method that returns it has it done.</summary>
    /// <param name="flow">The flow; its own options go before those of the attempt.</param>
    /// <param name="context">The attempt.</param>
    /// <param name="cancellationToken">Ends it; no object is left then.</param>
    public static Task<ObjectRef> ToObjectAsync(this DataFlow flow, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentNullException.ThrowIfNull(context);
        return InAttempt(flow, context).ToObjectAsync(context.Objects, cancellationToken);
    }

    /// <summary>
    /// Writes to a table of a PostgreSQL database, once for each run: the transaction that has the rows also notes run and stage down in the table
    /// <c>gristmill_writes</c> of the same schema. Where the stage is executed again, since its worker or silo ended before it was done, that is found and nothing is written
    /// (<see cref="FlowResult.WasWritten"/>); of two executions at once, one waits for the other.
    /// </summary>
    /// <param name="flow">The flow; its own options go before those of the attempt.</param>
    /// <param name="context">The attempt.</param>
    /// <param name="connection">How it is reached.</param>
    /// <param name="table">The table's name, as it is: it is quoted. A table that is missing is made.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Ends it; the table is as before then.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Conflict"/>: also where the attempt writes to the table twice by the same <see cref="PostgresWriteOptions.Name"/>; else as
    /// <see cref="DataFlow.WritePostgresAsync"/>.
    /// </exception>
    public static Task<FlowResult> WritePostgresAsync(
        this DataFlow flow, StageContext context, PostgresConnection connection, string table, PostgresWriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(table);
        return PostgresSink.WriteAsync(InAttempt(flow, context), connection, table, options ?? new PostgresWriteOptions(), StageWrites.Of(context), cancellationToken);
    }

    private static DataFlow InAttempt(DataFlow flow, StageContext context) => flow.HasOptions ? flow : flow.With(context.FlowOptions());

    private sealed class StageReporter(StageContext context) : IProgress<FlowProgress>
    {
        public void Report(FlowProgress value) => context.Report(value.Fraction, value.Rows > 0 ? $"{value.Rows:N0} rows" : null, ("rows", value.Rows));
    }
}
