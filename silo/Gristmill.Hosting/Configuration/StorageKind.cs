namespace Gristmill.Hosting;

/// <summary>Where grain state, reminders and membership are kept.</summary>
public enum StorageKind
{
    /// <summary>In a SQLite file of the data folder: one silo, nothing to install.</summary>
    Sqlite = 0,
    /// <summary>In PostgreSQL: any number of silos form a cluster.</summary>
    Postgres = 1,
}
