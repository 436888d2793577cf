using Npgsql;
using Orleans.Storage;

namespace Gristmill.Storage.Postgres;

/// <summary>
/// Where the state database is and how it is written. Providers of one process with the same connection string share its
/// connections and its writer.
/// </summary>
public class PostgresOptions
{
    /// <summary>
    /// How to reach the database, as Npgsql takes it: "Host=db;Database=gristmill;Username=mill;Password=...". A secret: it is
    /// never logged. A database, or a schema named by "Search Path", belongs to one Orleans service.
    /// </summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>Writes that may share one commit.</summary>
    /// <value>512; 1 to 10,000</value>
    public int MaxBatch { get; set; } = 512;

    /// <summary>How long a write is tried again while the database cannot be reached.</summary>
    /// <value>15 seconds; 0 to 10 minutes</value>
    public TimeSpan RetryTimeout { get; set; } = TimeSpan.FromSeconds(15);

    internal virtual IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString))
        {
            yield return "ConnectionString is empty; give one such as 'Host=db;Database=gristmill;Username=mill;Password=...'";
        }
        else if (!Parses(ConnectionString))
        {
            // Neither the text nor the parser's message: both may hold the password.
            yield return "ConnectionString is not one that Npgsql takes; its form is 'Host=db;Database=gristmill;Username=mill;Password=...', values with ';' or '=' in quotes";
        }

        if (MaxBatch is < 1 or > 10_000)
        {
            yield return $"MaxBatch is {MaxBatch}; allowed is 1 to 10,000";
        }

        if (RetryTimeout < TimeSpan.Zero || RetryTimeout > TimeSpan.FromMinutes(10))
        {
            yield return $"RetryTimeout is {RetryTimeout}; allowed is 0 to 10 minutes";
        }
    }

    private static bool Parses(string text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text).Host is { Length: > 0 };
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException or KeyNotFoundException)
        {
            return false;
        }
    }
}

/// <summary>Options of grain storage in PostgreSQL.</summary>
public sealed class PostgresGrainStorageOptions : PostgresOptions, IStorageProviderSerializerOptions
{
    /// <summary>How state becomes bytes.</summary>
    /// <value>
    /// The <see cref="IGrainStorageSerializer"/> registered under the storage's name, otherwise Orleans' own serializer:
    /// compact, and tolerant of added members because it goes by <c>[Id]</c>.
    /// </value>
    public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;
}
