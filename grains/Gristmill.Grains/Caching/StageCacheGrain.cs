using System.Collections.Immutable;
using Gristmill.Grains.State;

namespace Gristmill.Grains.Caching;

/// <inheritdoc cref="IStageCacheGrain"/>
[GrainType("gristmill.stage-cache")]
internal sealed class StageCacheGrain(
    [PersistentState("entries", StorageNames.Gristmill)] IPersistentState<StageCacheState> state,
    StageCacheOptions options,
    TimeProvider time) : Grain, IStageCacheGrain
{
    private readonly Durable<StageCacheState> _state = new(state);
    private readonly Dictionary<string, DateTimeOffset> _used = new(StringComparer.Ordinal);

    private int Room => Math.Max(1, options.MaxEntries / StageCacheShards.All.Count);

    public Task<CachedStage?> FindAsync(string key)
    {
        if (!_state.Value.Entries.TryGetValue(key, out var entry))
        {
            return Task.FromResult<CachedStage?>(null);
        }

        _used[key] = time.GetUtcNow();
        return Task.FromResult<CachedStage?>(entry.Stage);
    }

    public Task PutAsync(CachedStage entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var now = time.GetUtcNow();
        _used[entry.Key] = now;
        var entries = Known().SetItem(entry.Key, new StoredEntry(entry, now));
        foreach (var old in entries.Values.OrderBy(static e => e.Used).ThenBy(static e => e.Stage.Key, StringComparer.Ordinal).ToList())
        {
            if (old.Stage.Key != entry.Key && (entries.Count > Room || old.Used + options.MaxAge < now))
            {
                entries = entries.Remove(old.Stage.Key);
            }
        }

        return StoreAsync(entries);
    }

    public Task RemoveAsync(string key, StageOrigin origin) =>
        _state.Value.Entries.TryGetValue(key, out var entry) && entry.Stage.Origin == origin ? StoreAsync(Known().Remove(key)) : Task.CompletedTask;

    public async Task<ImmutableArray<CachedStageUse>> ListAsync()
    {
        var oldest = time.GetUtcNow() - options.MaxAge;
        var known = Known();
        var young = known.Where(e => e.Value.Used >= oldest).ToImmutableDictionary();
        if (young.Count < known.Count)
        {
            await StoreAsync(young);
        }

        return
        [
            .. young.Values.Select(static e =>
            {
                var tables = e.Stage.Outputs.Values.Select(static o => o.Dataset).OfType<ObjectRef>().ToList();
                return new CachedStageUse(e.Stage.Key, e.Used, tables.Sum(static t => t.Bytes), [.. tables.Select(static t => t.Id)]);
            }),
        ];
    }

    public async Task<ImmutableArray<string>> EvictAsync(ImmutableArray<string> keys, DateTimeOffset unusedSince)
    {
        var known = Known();
        ImmutableArray<string> gone = [.. keys.Where(key => known.TryGetValue(key, out var entry) && entry.Used <= unusedSince)];
        if (!gone.IsEmpty)
        {
            await StoreAsync(known.RemoveRange(gone));
        }

        return gone;
    }

    /// <summary>The entries with the uses that the store does not know yet.</summary>
    private ImmutableDictionary<string, StoredEntry> Known()
    {
        var entries = _state.Value.Entries;
        foreach (var (key, used) in _used)
        {
            if (entries.TryGetValue(key, out var entry) && entry.Used < used)
            {
                entries = entries.SetItem(key, entry with { Used = used });
            }
        }

        return entries;
    }

    private async Task StoreAsync(ImmutableDictionary<string, StoredEntry> entries)
    {
        await _state.SetAsync(new StageCacheState { Entries = entries });
        foreach (var key in _used.Keys.Where(key => !entries.ContainsKey(key)).ToList())
        {
            _used.Remove(key);
        }
    }
}
