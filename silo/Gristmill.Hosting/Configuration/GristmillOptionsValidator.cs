using System.Net;
using Microsoft.Extensions.Options;

namespace Gristmill.Hosting;

/// <summary>Checks all settings at start and reports every problem at once, each with its key and what is allowed.</summary>
internal sealed class GristmillOptionsValidator : IValidateOptions<GristmillOptions>
{
    public ValidateOptionsResult Validate(string? name, GristmillOptions options)
    {
        var problems = new List<string>();
        void Require(bool holds, string key, object? value, string allowed)
        {
            if (!holds)
            {
                problems.Add($"{GristmillOptions.Section}:{key} is '{value}': {allowed}.");
            }
        }

        Require(!string.IsNullOrWhiteSpace(options.DataDirectory), nameof(options.DataDirectory), options.DataDirectory, "it must name a folder");
        Require(options.Cluster.Length is > 0 and <= 32 && options.Cluster.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'),
            nameof(options.Cluster), options.Cluster, "letters, digits, '-' and '_', 1 to 32 characters");
        Require(options.Slots is >= 0 and <= 1024, nameof(options.Slots), options.Slots, "0 to 1024");
        Require(options.ThreadsPerSlot is >= 0 and <= 1024, nameof(options.ThreadsPerSlot), options.ThreadsPerSlot, "0 to 1024");
        foreach (var (resource, amount) in options.Resources)
        {
            Require(GristmillName.IsValid(resource) && amount is >= 0 and <= 1_000_000, $"{nameof(options.Resources)}:{resource}", amount, $"0 to 1000000, and a name of {GristmillName.Rule}");
        }

        foreach (var (i, origin) in options.TrustedOrigins.Index())
        {
            // As browsers write it, to the letter: another form would never be met.
            Require(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == origin,
                $"{nameof(options.TrustedOrigins)}:{i}", origin, "a scheme, a host and perhaps a port, such as https://ml.example.com, without a path");
        }

        Require(options.WorkerMemoryMiB is 0 or >= 64, nameof(options.WorkerMemoryMiB), options.WorkerMemoryMiB, "0, or at least 64");
        Require(options.ObjectCapacityBytes >= 0, nameof(options.ObjectCapacityBytes), options.ObjectCapacityBytes, "0 or more");
        Require(options.SpillCapacityBytes >= 0, nameof(options.SpillCapacityBytes), options.SpillCapacityBytes, "0 or more");
        Require(options.RecycledBytes is null or >= 0, nameof(options.RecycledBytes), options.RecycledBytes, "0 or more");
        Require(options.PutTimeout >= TimeSpan.Zero && options.PutTimeout <= TimeSpan.FromHours(1), nameof(options.PutTimeout), options.PutTimeout, "up to an hour, and not negative");
        Require(options.ObjectRetention >= TimeSpan.Zero, nameof(options.ObjectRetention), options.ObjectRetention, "not negative");
        Require(options.CacheMaxEntries is >= 64 and <= 1_000_000, nameof(options.CacheMaxEntries), options.CacheMaxEntries, "64 to 1000000");
        Require(options.CacheMaxAge > TimeSpan.Zero, nameof(options.CacheMaxAge), options.CacheMaxAge, "above zero");
        Require(options.LogRetention > TimeSpan.Zero, nameof(options.LogRetention), options.LogRetention, "above zero");
        Require(options.CacheMaxBytes >= 0, nameof(options.CacheMaxBytes), options.CacheMaxBytes, "0 or more");
        Require(IPAddress.TryParse(options.Address, out _), nameof(options.Address), options.Address, "an IP address of this machine");
        Require(options.ObjectPort is >= 0 and <= 65535, nameof(options.ObjectPort), options.ObjectPort, "0 to 65535");
        Require(options.SiloPort is >= 0 and <= 65535, nameof(options.SiloPort), options.SiloPort, "0 to 65535");
        Require(options.GatewayPort is >= 0 and <= 65535, nameof(options.GatewayPort), options.GatewayPort, "0 to 65535");
        Require(options.FlightPort is >= 0 and <= 65535, nameof(options.FlightPort), options.FlightPort, "0 to 65535");
        Require(options.MaxRequestBytes is >= 1024 and <= 16L << 30, nameof(options.MaxRequestBytes), options.MaxRequestBytes, "1 KiB to 16 GiB");
        Require(Enum.IsDefined(options.Storage), nameof(options.Storage), options.Storage, "sqlite or postgres");
        Require(Enum.IsDefined(options.SqliteSynchronous), nameof(options.SqliteSynchronous), options.SqliteSynchronous, "full or normal");
        // Not the value: it is a secret.
        Require(options.Storage != StorageKind.Postgres || !string.IsNullOrWhiteSpace(options.ConnectionString),
            nameof(options.ConnectionString), "", "with Storage=postgres it must say how to reach the database, such as 'Host=db;Database=gristmill;Username=mill;Password=...'");
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
