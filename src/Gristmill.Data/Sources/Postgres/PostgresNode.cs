using Gristmill.Data.Execution;
using Gristmill.Data.Planning;

namespace Gristmill.Data.Sources.Postgres;

/// <summary>A table or query of a PostgreSQL database.</summary>
/// <param name="Connection">How it is reached.</param>
/// <param name="Shown">What is read, for people.</param>
/// <param name="Query">One SELECT.</param>
internal sealed record PostgresNode(PostgresConnection Connection, string Shown, string Query) : SourceNode
{
    public override WorkSource Open(FlowRun run) => new StageSource(PostgresStage.Open(run, this));

    public override string Describe() => $"read {Shown} by PostgreSQL ({Connection})";
}
