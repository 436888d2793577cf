namespace Gristmill.Engines.Sql.Sessions;

/// <summary>What a session may use, and whom it tells how far it is.</summary>
/// <param name="Threads">Threads of DuckDB's own.</param>
/// <param name="MemoryMiB">Memory beyond which it spills.</param>
/// <param name="TempDirectory">Where the session's own folder goes.</param>
/// <param name="Report">Told the share that is done, if known, and the rows of the result so far.</param>
internal sealed record DuckSettings(int Threads, long MemoryMiB, string TempDirectory, Action<double?, long>? Report)
{
    public static DuckSettings Of(StageContext context, SqlEngineOptions options) => new(context.Threads, Memory(context, options), options.TempDirectory,
        (fraction, rows) => context.Report(fraction, rows > 0 ? $"{rows:N0} rows" : null, ("rows", rows)));

    private static long Memory(StageContext context, SqlEngineOptions options)
    {
        if (options.MemoryMiB > 0)
        {
            return options.MemoryMiB;
        }

        var limit = context.Request.Limits.MemoryMiB;
        return Math.Max(64, limit > 0 ? limit * 3L / 4 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 >> 20);
    }
}
