namespace Gristmill.Storage.Sqlite;

/// <summary>Options of SQLite reminders.</summary>
public sealed class SqliteReminderOptions : SqliteDatabaseOptions;
