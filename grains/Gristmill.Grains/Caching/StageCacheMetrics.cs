using System.Diagnostics.Metrics;

namespace Gristmill.Grains.Caching;

/// <summary>Counts what the cache did, by outcome and operation.</summary>
internal static class StageCacheMetrics
{
    private static readonly Meter Meter = new("Gristmill.Cache");
    private static readonly Counter<long> Lookups = Meter.CreateCounter<long>("gristmill.stage_cache.lookups", "{stage}", "Stages by what the result cache did for them.");

    public static void Count(CacheOutcome outcome, string operation) => Lookups.Add(1,
        new KeyValuePair<string, object?>("outcome", outcome.ToString().ToLowerInvariant()), new KeyValuePair<string, object?>("operation", operation));
}
