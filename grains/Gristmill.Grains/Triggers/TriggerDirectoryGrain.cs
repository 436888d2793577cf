using Gristmill.Grains.State;

namespace Gristmill.Grains.Triggers;

/// <inheritdoc cref="ITriggerDirectoryGrain"/>
[GrainType("gristmill.trigger-directory")]
internal sealed class TriggerDirectoryGrain([PersistentState("names", StorageNames.Gristmill)] IPersistentState<TriggerDirectoryState> state) : Grain, ITriggerDirectoryGrain
{
    private readonly Durable<TriggerDirectoryState> _state = new(state);

    /// <summary>The shard that holds a name; FNV-1a, the same in every process.</summary>
    public static ITriggerDirectoryGrain Of(IGrainFactory grains, string trigger)
    {
        var hash = 2166136261u;
        foreach (var c in trigger)
        {
            hash = unchecked((hash ^ c) * 16777619u);
        }

        return grains.GetGrain<ITriggerDirectoryGrain>(hash % ITriggerDirectoryGrain.ShardCount);
    }

    public async Task AddAsync(string trigger, string pipeline)
    {
        GristmillName.Require(trigger, "trigger");
        if (_state.Value.Triggers.GetValueOrDefault(trigger) != pipeline)
        {
            await _state.SetAsync(new TriggerDirectoryState { Triggers = _state.Value.Triggers.SetItem(trigger, pipeline) });
        }
    }

    public async Task RemoveAsync(string trigger)
    {
        if (_state.Value.Triggers.ContainsKey(trigger))
        {
            await _state.SetAsync(new TriggerDirectoryState { Triggers = _state.Value.Triggers.Remove(trigger) });
        }
    }

    public Task<IReadOnlyList<string>> ListAsync(string? pipeline, string? after, int limit) => Task.FromResult<IReadOnlyList<string>>(
    [
        .. _state.Value.Triggers
            .Where(entry => (pipeline is null || entry.Value == pipeline) && (after is null || string.CompareOrdinal(entry.Key, after) > 0))
            .Take(limit).Select(static entry => entry.Key),
    ]);
}
