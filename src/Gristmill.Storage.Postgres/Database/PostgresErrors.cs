using System.Net.Sockets;
using Npgsql;

namespace Gristmill.Storage.Postgres.Database;

/// <summary>Turns PostgreSQL's error codes (https://www.postgresql.org/docs/current/errcodes-appendix.html) into errors a person can act on.</summary>
internal static class PostgresErrors
{
    /// <summary>Whether the database could not be reached or is restarting: the same again may work.</summary>
    public static bool IsLost(Exception exception) => exception switch
    {
        PostgresException { SqlState: var state } => state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("57P", StringComparison.Ordinal),
        NpgsqlException { InnerException: IOException or SocketException or TimeoutException or EndOfStreamException } => true,
        NpgsqlException => exception.InnerException is null or NpgsqlException,
        IOException or SocketException => true,
        _ => false,
    };

    /// <summary>What is wrong, with the database's name and never with its password.</summary>
    public static Exception Describe(Exception exception, string database)
    {
        if (exception is PostgresException e)
        {
            var (code, what, hint) = e.SqlState switch
            {
                PostgresErrorCodes.DiskFull or PostgresErrorCodes.OutOfMemory =>
                    (ErrorCodes.StoreFull, "is full", "Free space on its disk; nothing of the refused write was kept."),
                PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure =>
                    (ErrorCodes.StorageBusy, "is busy", "Find who holds its tables locked (pg_stat_activity)."),
                PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted =>
                    (ErrorCodes.StorageCorrupt, "is damaged", "Restore it from a backup."),
                PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
                    (ErrorCodes.StorageUnavailable, "refuses this user", "Check the user and password of Gristmill:ConnectionString."),
                PostgresErrorCodes.InvalidCatalogName =>
                    (ErrorCodes.StorageUnavailable, "does not exist", "Create it ('createdb'), or name another in Gristmill:ConnectionString."),
                PostgresErrorCodes.InsufficientPrivilege =>
                    (ErrorCodes.StorageUnavailable, "does not let this user do that", "Grant it the rights, or run 'mill storage init' as a user that may create tables."),
                _ => (ErrorCodes.StorageUnavailable, "refuses a statement", "See the server's log."),
            };
            return new GristmillException(code, $"The state database {database} {what}: {e.MessageText} ({e.SqlState}).", hint, e);
        }

        return exception is NpgsqlException or IOException or SocketException or TimeoutException
            ? new GristmillException(
                ErrorCodes.StorageUnavailable,
                $"The state database {database} cannot be reached: {exception.Message}",
                "Check that PostgreSQL runs, and host and port of Gristmill:ConnectionString.",
                exception)
            : exception;
    }
}
