using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>
/// Decides which tables the result cache keeps beyond their runs' retention: those used last, up to its share of the store.
/// Entries whose tables go are removed first, and only if nobody has used them since, so that no stage takes over what is
/// about to be deleted.
/// </summary>
internal sealed class CacheJanitor(ObjectStore objects, IGrainFactory grains, GristmillOptions options)
{
    /// <summary>What was used within this time may be on its way into a run that has not been asked yet.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromMinutes(2);

    /// <summary>Evicts what is too much, and returns the ids of the tables that stay.</summary>
    public async Task<HashSet<string>> KeepAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var entries = await EntriesAsync(cancellationToken);
        var room = options.CacheMaxBytes > 0 ? options.CacheMaxBytes : objects.CapacityBytes / 4;
        var keep = new HashSet<string>(StringComparer.Ordinal);
        var evict = new List<(string Shard, CachedStageUse Use)>();
        foreach (var entry in entries.OrderByDescending(entry => entry.Use.Used))
        {
            room -= entry.Use.Objects.All(keep.Contains) ? 0 : entry.Use.Bytes;
            if (room >= 0 || entry.Use.Used > now - s_grace)
            {
                keep.UnionWith(entry.Use.Objects);
            }
            else if (!entry.Use.Objects.IsEmpty)
            {
                evict.Add(entry);
            }
        }

        foreach (var shard in evict.GroupBy(entry => entry.Shard, StringComparer.Ordinal))
        {
            var gone = await grains.GetGrain<IStageCacheGrain>(shard.Key).EvictAsync([.. shard.Select(entry => entry.Use.Key)], now - s_grace);
            keep.UnionWith(shard.Where(entry => !gone.Contains(entry.Use.Key)).SelectMany(entry => entry.Use.Objects));
        }

        return keep;
    }

    /// <summary>The ids of all tables that the cache refers to; evicts nothing.</summary>
    public async Task<HashSet<string>> ListAsync(CancellationToken cancellationToken) =>
        (await EntriesAsync(cancellationToken)).SelectMany(static entry => entry.Use.Objects).ToHashSet(StringComparer.Ordinal);

    private async Task<List<(string Shard, CachedStageUse Use)>> EntriesAsync(CancellationToken cancellationToken)
    {
        var entries = new List<(string Shard, CachedStageUse Use)>();
        foreach (var shard in StageCacheShards.All)
        {
            cancellationToken.ThrowIfCancellationRequested();
            entries.AddRange((await grains.GetGrain<IStageCacheGrain>(shard).ListAsync()).Select(use => (shard, use)));
        }

        return entries;
    }
}
