using Gristmill.Grains.Partitions;
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

    public Task SubscribeAsync(string trigger, string starts) => ChangeAsync(now => now with { Triggers = now.Triggers.SetItem(trigger, starts) });

    public Task UnsubscribeAsync(string trigger) => ChangeAsync(now => now with { Triggers = now.Triggers.Remove(trigger) });

    public Task SubscribeBackfillAsync(string backfill) => ChangeAsync(now => now with { Backfills = now.Backfills.Add(backfill) });

    public Task<IReadOnlyList<string>> ListStartedAsync() =>
        Task.FromResult<IReadOnlyList<string>>([.. _state.Value.Triggers.Values.Where(static name => name.Length > 0).Distinct(StringComparer.Ordinal)]);

    public Task OnRunEndedAsync(RunEnded run) => Task.WhenAll(
    [
        .. _state.Value.Triggers.Keys.Select(async trigger =>
        {
            if (!await Retry.TransientAsync(() => GrainFactory.GetGrain<ITriggerControlGrain>(trigger).OnRunEndedAsync(run), time))
            {
                await UnsubscribeAsync(trigger);
            }
        }),
        .. _state.Value.Backfills.Select(async backfill =>
        {
            if (!await Retry.TransientAsync(() => GrainFactory.GetGrain<IBackfillControlGrain>(backfill).OnRunEndedAsync(run), time))
            {
                await ChangeAsync(now => now with { Backfills = now.Backfills.Remove(backfill) });
            }
        }),
    ]);

    private async Task ChangeAsync(Func<RunSubscribersState, RunSubscribersState> change)
    {
        await _writing.EnterAsync();
        try
        {
            var next = change(_state.Value);
            if (next != _state.Value)
            {
                await _state.SetAsync(next);
            }
        }
        finally
        {
            _writing.Leave();
        }
    }
}
