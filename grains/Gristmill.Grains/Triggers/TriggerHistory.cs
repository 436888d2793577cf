using Gristmill.Grains.State;

namespace Gristmill.Grains.Triggers;

/// <summary>
/// A trigger's older firings, in pages that are grains of their own: a firing rewrites the trigger's small state, not its
/// history, and the history never grows past <see cref="Capacity"/>.
/// </summary>
internal sealed class TriggerHistory(IGrainFactory grains, string trigger)
{
    public const int PageSize = 64;
    public const int Slots = 16;
    public const int Capacity = (Slots - 1) * PageSize;

    /// <summary>Parameters and errors together stay below what a message may hold.</summary>
    private const int AtOnce = 8;

    public async Task AddAsync(IReadOnlyList<TriggerFiring> firings)
    {
        foreach (var page in firings.GroupBy(static firing => Page(firing.Number)).OrderBy(static page => page.Key))
        {
            foreach (var some in page.Chunk(AtOnce))
            {
                await Slot(page.Key).AddAsync(page.Key, some);
            }
        }
    }

    /// <summary>Firings with a lower number, newest first.</summary>
    /// <param name="before">The number.</param>
    /// <param name="limit">At most so many.</param>
    public async Task<List<TriggerFiring>> ListAsync(long before, int limit)
    {
        var found = new List<TriggerFiring>();
        if (before <= 1)
        {
            return found;
        }

        var newest = Page(before - 1);
        for (var page = newest; page >= 0 && page > newest - Slots && found.Count < limit; page--)
        {
            found.AddRange((await Slot(page).GetAsync(page)).Where(firing => firing.Number < before).Reverse().Take(limit - found.Count));
        }

        return found;
    }

    public Task ClearAsync() => Task.WhenAll(Enumerable.Range(0, Slots).Select(slot => Slot(slot).ClearAsync()));

    private static long Page(long number) => (number - 1) / PageSize;

    private ITriggerHistoryGrain Slot(long page) => grains.GetGrain<ITriggerHistoryGrain>($"{trigger}/{page % Slots}");
}

/// <inheritdoc cref="ITriggerHistoryGrain"/>
[GrainType("gristmill.trigger-history")]
internal sealed class TriggerHistoryGrain([PersistentState("page", StorageNames.Gristmill)] IPersistentState<TriggerHistoryState> state) : Grain, ITriggerHistoryGrain
{
    private readonly Durable<TriggerHistoryState> _state = new(state);

    public async Task AddAsync(long page, IReadOnlyList<TriggerFiring> firings)
    {
        ArgumentNullException.ThrowIfNull(firings);
        var current = _state.Value;
        if (page < current.Page)
        {
            // What came too late for its page is older than all that is kept.
            return;
        }

        var added = firings.Select(static firing => firing.Number).ToHashSet();
        var kept = page == current.Page ? current.Firings.Where(firing => !added.Contains(firing.Number)) : [];
        await _state.SetAsync(new TriggerHistoryState { Page = page, Firings = [.. kept.Concat(firings).OrderBy(static firing => firing.Number)] });
    }

    public Task<IReadOnlyList<TriggerFiring>> GetAsync(long page) =>
        Task.FromResult<IReadOnlyList<TriggerFiring>>(_state.Value.Page == page ? _state.Value.Firings : []);

    public async Task ClearAsync()
    {
        if (state.RecordExists)
        {
            await state.ClearStateAsync();
            _state.Show(new TriggerHistoryState());
        }

        DeactivateOnIdle();
    }
}
