namespace Gristmill.Storage.Sqlite;

/// <summary>Options of SQLite clustering: for silos and clients of one machine.</summary>
public sealed class SqliteClusteringOptions : SqliteDatabaseOptions;
