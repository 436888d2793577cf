using Gristmill.Storage.Postgres;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Gristmill.Hosting;

/// <summary>Prepares the state store without starting a silo.</summary>
public static class GristmillStorage
{
    /// <summary>Makes or migrates the tables of the PostgreSQL database that the configuration names; SQLite's are made by themselves.</summary>
    /// <param name="configuration">Configuration with a section "Gristmill".</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>What was done, a sentence.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StorageUnavailable"/> and others: the database cannot be reached or refuses.</exception>
    /// <exception cref="OptionsValidationException">Settings are unknown, cannot be read or are out of range.</exception>
    public static async Task<string> InitializeAsync(IConfiguration configuration, CancellationToken cancellationToken = default)
    {
        var options = GristmillOptions.Read(configuration);
        if (options.Storage != StorageKind.Postgres)
        {
            return "The storage is SQLite, whose tables are made at the first start: there is nothing to do.";
        }

        var (database, before, now) = await PostgresStorage.InitializeAsync(options.ConnectionString!, cancellationToken);
        return before == now ? $"The tables of {database} are up to date (version {now})."
            : before == 0 ? $"The tables of {database} were made (version {now})."
            : $"The tables of {database} were brought from version {before} to {now}.";
    }
}
