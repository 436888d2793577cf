using System.Collections.Immutable;
using Gristmill.Grains.State;
using Gristmill.Grains.Triggers;

namespace Gristmill.Grains.Partitions;

/// <inheritdoc cref="IPartitionShardGrain"/>
[GrainType("gristmill.partition-shard")]
internal sealed class PartitionShardGrain([PersistentState("partitions", StorageNames.Gristmill)] IPersistentState<PartitionShardState> state) : Grain, IPartitionShardGrain
{
    public const int Shards = 32;

    private const int AtOnce = 500;

    private readonly Durable<PartitionShardState> _state = new(state);

    /// <summary>A pipeline's keys with the shards that hold them; FNV-1a, the same in every process.</summary>
    public static IEnumerable<(IPartitionShardGrain Shard, ImmutableArray<string> Keys)> Of(IGrainFactory grains, string pipeline, IEnumerable<string> keys) =>
        from shard in keys.GroupBy(static key => key.Aggregate(2166136261u, static (hash, c) => unchecked((hash ^ c) * 16777619u)) % Shards)
        from some in shard.Chunk(AtOnce)
        select (grains.GetGrain<IPartitionShardGrain>($"{pipeline}/{shard.Key}"), some.ToImmutableArray());

    /// <summary>All that is known of a pipeline's partitions.</summary>
    public static async Task<Dictionary<string, PartitionEntry>> AllAsync(IGrainFactory grains, string pipeline)
    {
        var shards = await Task.WhenAll(Enumerable.Range(0, Shards).Select(shard => grains.GetGrain<IPartitionShardGrain>($"{pipeline}/{shard}").GetAsync()));
        return shards.SelectMany(static shard => shard).ToDictionary(static entry => entry.Key, static entry => entry.Value, StringComparer.Ordinal);
    }

    public Task<ImmutableDictionary<string, PartitionEntry>> GetAsync() => Task.FromResult(_state.Value.Entries);

    public Task OnRunEndedAsync(ImmutableArray<string> keys, RunEnded run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return ChangeAsync(keys, known =>
        {
            // Runs may end in another order than they began, and their ends may be told twice: ids sort by start, and the newest holds.
            if (string.CompareOrdinal(run.Run, known?.Run) <= 0 || string.CompareOrdinal(run.Run, known?.FailedRun) <= 0)
            {
                return known;
            }

            return run.Status switch
            {
                RunStatus.Succeeded => new PartitionEntry
                {
                    Run = run.Run,
                    Made = run.Ended,
                    Began = run.Created,
                    Version = run.Version,
                    CodeVersion = run.CodeVersion,
                    // A mark of while it ran may be of data that it did not see.
                    Marked = known?.Marked > run.Created ? known.Marked : null,
                    MarkedReason = known?.Marked > run.Created ? known.MarkedReason : null,
                },
                RunStatus.Failed => (known ?? new PartitionEntry()) with { FailedRun = run.Run, FailedReason = run.Reason },
                _ => known,
            };
        });
    }

    public async Task<int> MarkStaleAsync(ImmutableArray<string> keys, DateTimeOffset at, string? reason)
    {
        // Also what was never made: its first run may be under way, and began before the data came.
        await ChangeAsync(keys, known => (known ?? new PartitionEntry()) with { Marked = at, MarkedReason = reason });
        return keys.Count(key => _state.Value.Entries.TryGetValue(key, out var entry) && entry.Made is not null);
    }

    private async Task ChangeAsync(ImmutableArray<string> keys, Func<PartitionEntry?, PartitionEntry?> change)
    {
        var entries = _state.Value.Entries.ToBuilder();
        var changed = false;
        foreach (var key in keys)
        {
            var known = entries.GetValueOrDefault(key);
            if (change(known) is { } next && next != known)
            {
                entries[key] = next;
                changed = true;
            }
        }

        if (changed)
        {
            await _state.SetAsync(new PartitionShardState { Entries = entries.ToImmutable() });
        }
    }
}
