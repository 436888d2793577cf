namespace Gristmill.Storage.Sqlite;

/// <summary>Stops a silo or client from starting with options that cannot work, naming all of them at once.</summary>
internal sealed class SqliteOptionsValidator(string what, SqliteDatabaseOptions options) : IConfigurationValidator
{
    public void ValidateConfiguration()
    {
        var problems = options.Problems().ToArray();
        if (problems.Length > 0)
        {
            throw new OrleansConfigurationException($"SQLite {what}: {string.Join("; ", problems)}.");
        }
    }
}
