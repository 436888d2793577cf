using Gristmill.Engines.Sql;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Planning;

/// <summary>The query of a part.</summary>
/// <param name="Text">The text.</param>
/// <param name="Values">Values of its parameters, by name.</param>
/// <param name="Fail">Makes an exception of what DuckDB reports.</param>
internal sealed record PartQuery(string Text, IReadOnlyList<(string Name, SqlValue Value)> Values, Func<DuckError, Exception> Fail)
{
    /// <summary>Prepares it, or a statement around it.</summary>
    public SqlStatement Prepare(SqlDatabase database, Func<string, string>? around = null)
    {
        var statement = database.Prepare(around is null ? Text : around(Text), Fail);
        foreach (var (name, value) in Values)
        {
            statement.Bind(name, value.Text);
        }

        return statement;
    }
}
