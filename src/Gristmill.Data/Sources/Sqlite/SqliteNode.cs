using Gristmill.Data.Execution;
using Gristmill.Data.Planning;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Sources.Sqlite;

/// <summary>A table or query of a SQLite file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Table">The table; null: a query.</param>
/// <param name="Query">The query; null: a table.</param>
/// <param name="Options">How.</param>
internal sealed record SqliteNode(string Path, string? Table, string? Query, SqliteReadOptions Options) : SourceNode
{
    public string Text => Query ?? $"select * from {QueryText.Identifier(Table!)}";

    /// <summary>What is read, for people.</summary>
    public string Shown => Table is null ? "the query" : $"the table '{Table}'";

    public override WorkSource Open(FlowRun run) => new StageSource(SqliteStage.Open(run, this));

    public override string Describe() => $"read {Shown} of {Path} by SQLite";
}
