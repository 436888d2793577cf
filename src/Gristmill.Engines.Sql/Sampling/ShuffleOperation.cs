using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Sampling;

/// <summary>"sql.shuffle": sorts by a random key, which DuckDB does in as many threads as it has, and on disk where memory ends.</summary>
internal static class ShuffleOperation
{
    private const string Data = "data";

    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        // One to one, so that no two rows have the same key.
        var start = SplitMix64.Mix((ulong)context.Options<ShuffleOptions>().Seed);
        using var lease = context.Dataset(Data);
        using var session = DuckSession.Open(context, engine);
        session.AddInput(Data, new SegmentTable(lease.Schema, lease.Batches, lease.Share(), row => (long)SplitMix64.Mix(start + (ulong)row)), InputColumns.Prefix);
        session.Seal();

        var columns = new InputColumns(lease.Schema);
        var query = $"select {string.Join(", ", columns.All)}\nfrom {Data}\norder by {SegmentTable.LabelColumn}";
        Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), query, context, cancellationToken);
        using var statement = DuckStatement.Prepare(session, query, Fail);
        return StageOutputs.Of(statement.Run(context.Objects, columns.Names, cancellationToken));
    }
}
