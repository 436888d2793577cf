using System.Runtime.CompilerServices;
using Gristmill.Engines;

namespace Gristmill.Data.Writing.Postgres;

/// <summary>What an attempt of a stage has written: a second write of the same name could not be told from a repetition of the first.</summary>
internal sealed class StageWrites(StageRequest request)
{
    private static readonly ConditionalWeakTable<StageContext, StageWrites> s_attempts = [];
    private readonly HashSet<StageWrite> _begun = [];

    public string Run => request.RunId;

    public string Stage => request.Stage;

    public static StageWrites Of(StageContext context) => s_attempts.GetValue(context, static attempt => new StageWrites(attempt.Request));

    /// <returns>False: it is done, or about to be.</returns>
    public bool Begin(StageWrite write)
    {
        lock (_begun)
        {
            return _begun.Add(write);
        }
    }

    /// <summary>It has failed, and may be tried again.</summary>
    public void Failed(StageWrite write)
    {
        lock (_begun)
        {
            _begun.Remove(write);
        }
    }
}

/// <summary>A write, among those of a stage.</summary>
/// <param name="Database">Server and database.</param>
/// <param name="Table">The table's name, quoted, with the schema.</param>
/// <param name="Name">What tells it from others to the table.</param>
internal sealed record StageWrite(string Database, string Table, string Name);
