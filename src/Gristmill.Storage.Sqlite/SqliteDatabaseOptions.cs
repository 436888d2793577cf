using Gristmill.Storage.Sqlite.Database;

namespace Gristmill.Storage.Sqlite;

/// <summary>How far a commit goes before a write is acknowledged.</summary>
public enum SqliteSynchronous
{
    /// <summary>Every group commit is flushed to the disk: an acknowledged write survives a power cut.</summary>
    Full = 0,
    /// <summary>Flushed at checkpoints only: survives a crash of the process, a power cut may lose the newest writes.</summary>
    Normal = 1,
}

/// <summary>
/// Where the state database is and how it is written. Providers of one process that name the same file share one
/// connection and one writer; the first to open it decides the settings.
/// </summary>
public class SqliteDatabaseOptions
{
    /// <summary>The database file; its folder is created if needed. A database belongs to one Orleans service.</summary>
    /// <value>"gristmill.db" in the working folder</value>
    public string Path { get; set; } = "gristmill.db";

    /// <summary>How long to wait for another process that holds the write lock.</summary>
    /// <value>10 seconds; 1 ms to 10 minutes</value>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Durability of an acknowledged write.</summary>
    /// <value><see cref="SqliteSynchronous.Full"/></value>
    public SqliteSynchronous Synchronous { get; set; } = SqliteSynchronous.Full;

    /// <summary>Writes that may share one commit.</summary>
    /// <value>1,000; 1 to 100,000</value>
    public int MaxBatch { get; set; } = 1000;

    /// <summary>Size of the database file in bytes above which writes fail with <see cref="ErrorCodes.StoreFull"/>.</summary>
    /// <value>0: as large as the disk allows</value>
    public long MaxBytes { get; set; }

    /// <summary>The tables of the file, and the version of them.</summary>
    internal virtual (int Version, string Create) Schema => (SqliteSchema.Version, SqliteSchema.Create);

    /// <summary>Columns that tables of an older version may lack; they are added before <see cref="Schema"/> makes what else is missing.</summary>
    internal virtual IReadOnlyList<(string Table, string Column, string Type)> AddedColumns => [];

    internal IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Path))
        {
            yield return "Path is empty; give the database file's path";
        }
        else if (Path.StartsWith(":memory:", StringComparison.Ordinal) || Path.StartsWith("file:", StringComparison.Ordinal))
        {
            yield return $"Path is '{Path}'; give a file path, not a URI or an in-memory database";
        }

        if (BusyTimeout < TimeSpan.FromMilliseconds(1) || BusyTimeout > TimeSpan.FromMinutes(10))
        {
            yield return $"BusyTimeout is {BusyTimeout}; allowed is 1 ms to 10 minutes";
        }

        if (!Enum.IsDefined(Synchronous))
        {
            yield return $"Synchronous is {(int)Synchronous}; allowed are Full and Normal";
        }

        if (MaxBatch is < 1 or > 100_000)
        {
            yield return $"MaxBatch is {MaxBatch}; allowed is 1 to 100,000";
        }

        if (MaxBytes < 0)
        {
            yield return $"MaxBytes is {MaxBytes}; allowed is 0 (no limit) or more";
        }
    }
}
