namespace Gristmill.Storage.Postgres;

/// <summary>Stops a silo or client from starting with options that cannot work, naming all of them at once.</summary>
internal sealed class PostgresOptionsValidator(string what, PostgresOptions options) : IConfigurationValidator
{
    public void ValidateConfiguration()
    {
        var problems = options.Problems().ToArray();
        if (problems.Length > 0)
        {
            throw new OrleansConfigurationException($"PostgreSQL {what}: {string.Join("; ", problems)}.");
        }
    }
}
