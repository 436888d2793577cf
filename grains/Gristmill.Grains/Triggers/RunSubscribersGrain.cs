using Gristmill.Grains.Runs;
using Gristmill.Grains.State;
using Orleans.Concurrency;

namespace Gristmill.Grains.Triggers;

/// <inheritdoc cref="IRunSubscribersGrain"/>
/// <remarks>Reentrant: a trigger may subscribe while it is being told of a run.</remarks>
[GrainType("gristmill.run-subscribers"), Reentrant]
internal sealed class RunSubscribersGrain(
    [PersistentState("subscribers", StorageNames.Gristmill)] IPersistentState<RunSubscribersState> state, TimeProvider time) : Grain, IRunSubscribersGrain
{
    private readonly Durable<RunSubscribersState> _state = new(state);
    private readonly TurnLock _writing = new();

    public Task SubscribeAsync(string trigger, string starts) => ChangeAsync(triggers => triggers.SetItem(trigger, starts));

    public Task UnsubscribeAsync(string trigger) => ChangeAsync(triggers => triggers.Remove(trigger));

    public Task<IReadOnlyList<string>> ListStartedAsync() =>
        Task.FromResult<IReadOnlyList<string>>([.. _state.Value.Triggers.Values.Where(static name => name.Length > 0).Distinct(StringComparer.Ordinal)]);

    public Task OnRunEndedAsync(RunEnded run) => Task.WhenAll(_state.Value.Triggers.Keys.Select(async trigger =>
    {
        if (!await Retry.TransientAsync(() => GrainFactory.GetGrain<ITriggerControlGrain>(trigger).OnRunEndedAsync(run), time))
        {
            await UnsubscribeAsync(trigger);
        }
    }));

    private async Task ChangeAsync(Func<System.Collections.Immutable.ImmutableSortedDictionary<string, string>, System.Collections.Immutable.ImmutableSortedDictionary<string, string>> change)
    {
        await _writing.EnterAsync();
        try
        {
            var next = change(_state.Value.Triggers);
            if (next != _state.Value.Triggers)
            {
                await _state.SetAsync(new RunSubscribersState { Triggers = next });
            }
        }
        finally
        {
            _writing.Leave();
        }
    }
}
