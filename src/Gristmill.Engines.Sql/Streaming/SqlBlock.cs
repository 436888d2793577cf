using Apache.Arrow;

namespace Gristmill.Engines.Sql;

/// <summary>Some rows on their way through SQL.</summary>
/// <param name="Batch">The rows.</param>
/// <param name="Release">Called once DuckDB has no pointer into their memory any more, on any thread; must not throw.</param>
public sealed record SqlBlock(RecordBatch Batch, Action? Release);
