using Microsoft.Data.Sqlite;

namespace Gristmill.Storage.Sqlite.Database;

/// <summary>Turns SQLite's result codes (https://sqlite.org/rescode.html) into errors a person can act on.</summary>
internal static class SqliteErrors
{
    private const int Busy = 5, Locked = 6, ReadOnly = 8, IoError = 10, Corrupt = 11, Full = 13, CannotOpen = 14, NotADatabase = 26;

    public static bool IsAboutTheWholeDatabase(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: Busy or Locked or ReadOnly or IoError or Corrupt or CannotOpen or NotADatabase };

    public static bool IsBusy(Exception exception) => exception is SqliteException { SqliteErrorCode: Busy or Locked };

    public static bool NeedsNewConnection(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: ReadOnly or IoError or Corrupt or CannotOpen or NotADatabase };

    public static Exception Describe(Exception exception, string path)
    {
        var error = exception switch
        {
            SqliteException sqlite => Describe(sqlite, path),
            UnauthorizedAccessException or IOException => new GristmillException(
                ErrorCodes.StorageUnavailable,
                $"The state database '{path}' cannot be opened: {exception.Message}",
                "Check that the folder exists and that this user may write to it.",
                exception),
            _ => null,
        };
        return (Exception?)error?.With("file", path) ?? exception;
    }

    private static GristmillException? Describe(SqliteException e, string path) => e.SqliteErrorCode switch
    {
        Full => new GristmillException(
            ErrorCodes.StoreFull,
            $"The state database '{path}' is full: {e.Message}",
            "Free space on its disk or raise its size limit; nothing of the refused write was kept.",
            e),
        Busy or Locked => new GristmillException(
            ErrorCodes.StorageBusy,
            $"The state database '{path}' stayed locked by another process: {e.Message}",
            "Find the process that holds it (a backup, a shell), or raise BusyTimeout.",
            e),
        Corrupt or NotADatabase => new GristmillException(
            ErrorCodes.StorageCorrupt,
            $"The state database '{path}' is damaged or not a database: {e.Message}",
            "Restore the file from a backup, or move it away to start with an empty one.",
            e),
        ReadOnly or IoError or CannotOpen => new GristmillException(
            ErrorCodes.StorageUnavailable,
            $"The state database '{path}' cannot be read or written: {e.Message}",
            "Check the disk, and that this user may write to the file and its folder.",
            e),
        _ => null,
    };
}
