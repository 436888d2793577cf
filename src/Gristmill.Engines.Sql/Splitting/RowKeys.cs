using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Splitting;

/// <summary>Keys of rows: what their groups, classes or strata are told apart by.</summary>
internal static class RowKeys
{
    /// <summary>The positions of the key's columns; null if none is named.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.UnknownColumn"/>.</exception>
    public static IReadOnlyList<int>? Find(InputColumns columns, ImmutableArray<string>? names, string? name = null)
    {
        IReadOnlyList<string> all = names is { IsDefaultOrEmpty: false } several ? several : name is null ? [] : [name];
        return all.Count == 0 ? null : [.. all.Select(column => columns.Find(column))];
    }

    /// <summary>The hash of each row's key, in the order of the rows. Takes 8 bytes a row beside the database's memory, and as much in the store meanwhile.</summary>
    public static ulong[] Read(StageContext context, DuckSession session, string view, InputColumns columns, IReadOnlyList<int> key, CancellationToken cancellationToken)
    {
        var query = $"select {columns.Hash(key)}\nfrom {view}";
        Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), query, context, cancellationToken);
        using var statement = DuckStatement.Prepare(session, query, Fail);
        var hashes = statement.Run(context.Objects, ["key"], cancellationToken);
        try
        {
            using var lease = context.Objects.Get(hashes);
            var keys = new ulong[hashes.Rows];
            var row = 0;
            foreach (var batch in lease.Batches)
            {
                ((UInt64Array)batch.Column(0)).Values.CopyTo(keys.AsSpan(row));
                row += batch.Length;
            }

            return keys;
        }
        finally
        {
            context.Objects.Delete(hashes.Id);
        }
    }

    /// <summary>The key of the first row that a query gives, for people; null if it gives none.</summary>
    /// <param name="context">The attempt.</param>
    /// <param name="session">The database.</param>
    /// <param name="columns">The table's columns.</param>
    /// <param name="key">Which of them are the key.</param>
    /// <param name="rest">What follows "select KEY": "from ..." and so on.</param>
    /// <param name="cancellationToken">Interrupts it.</param>
    public static string? Show(StageContext context, DuckSession session, InputColumns columns, IReadOnlyList<int> key, string rest, CancellationToken cancellationToken)
    {
        // As much as a message can hold.
        var query = $"select {string.Join(", ", key.Select(column => $"left({columns.At(column)}::varchar, 100) as k{columns.At(column)}"))}\n{rest}\nlimit 1";
        Exception Fail(string error) => QueryErrors.Explain(DuckError.Parse(error), query, context, cancellationToken);
        using var statement = DuckStatement.Prepare(session, query, Fail);
        var found = statement.Run(context.Objects, cancellationToken);
        try
        {
            using var lease = context.Objects.Get(found);
            return lease.Batches.FirstOrDefault(static batch => batch.Length > 0) is not { } row
                ? null
                : string.Join(", ", key.Select((column, i) => $"{columns.Names[column]} = {((StringArray)row.Column(i)).GetString(0) ?? "null"}"));
        }
        finally
        {
            context.Objects.Delete(found.Id);
        }
    }
}
