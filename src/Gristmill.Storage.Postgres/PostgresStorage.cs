using Gristmill.Storage.Postgres.Database;

namespace Gristmill.Storage.Postgres;

/// <summary>Makes or migrates the tables of a state database, for those who do so before a silo starts.</summary>
public static class PostgresStorage
{
    /// <summary>Makes or migrates the tables.</summary>
    /// <returns>The database as it may be shown, the version its tables had (0: none), and the one they have now.</returns>
    /// <exception cref="GristmillException">The database cannot be reached, refuses, or is of a newer version.</exception>
    public static async Task<(string Database, int Before, int Now)> InitializeAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        var database = PostgresDatabase.Acquire(new PostgresOptions { ConnectionString = connectionString });
        try
        {
            return (database.Name, await database.InitializeAsync(cancellationToken), PostgresSchema.Version);
        }
        finally
        {
            await database.DisposeAsync();
        }
    }
}
