using Gristmill.Grains.State;

namespace Gristmill.Grains.Pipelines;

/// <summary>
/// A pipeline's newest runs, in a ring of chunks that are stored each by itself: starting or ending a run rewrites one
/// chunk, not the list, and the list never grows past <see cref="Capacity"/>.
/// </summary>
internal sealed class RunList
{
    public const int ChunkSize = 50;
    public const int Chunks = 20;
    public const int Capacity = Chunks * ChunkSize;

    private readonly IPersistentState<RunChunk>[] _slots;
    private readonly CoalescedWriter[] _writers;
    private readonly Dictionary<string, RunEntry> _byKey = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _slotOf = new(StringComparer.Ordinal);

    /// <summary>Slots that runs were taken out of, which the store does not know yet.</summary>
    private readonly HashSet<int> _unsaved = [];

    public RunList(IPersistentStateFactory factory, IGrainContext context)
    {
        _slots = [.. Enumerable.Range(0, Chunks).Select(i =>
            factory.Create<RunChunk>(context, new PersistentStateAttribute($"runs-{i}", StorageNames.Gristmill)))];
        _writers = [.. _slots.Select(static slot => new CoalescedWriter(() => StoreErrors.WriteAsync(slot)))];
    }

    /// <summary>To be called once the slots have been read.</summary>
    public void Load()
    {
        for (var i = 0; i < Chunks; i++)
        {
            foreach (var run in _slots[i].State.Runs)
            {
                Index(run, i);
            }
        }
    }

    public RunEntry? FindByKey(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>Newest first, older than an id if one is given.</summary>
    public List<RunSummary> List(int limit, string? before) =>
    [
        .. _slots
            .Where(static slot => slot.State.Number > 0)
            .OrderByDescending(static slot => slot.State.Number)
            .SelectMany(static slot => Enumerable.Reverse(slot.State.Runs))
            .Select(static run => run.Summary)
            .Where(run => before is null || string.CompareOrdinal(run.Id, before) < 0)
            .Take(limit),
    ];

    /// <summary>Adds a run; completes when that is durable.</summary>
    public Task AddAsync(RunEntry run)
    {
        var newest = Newest();
        var number = _slots[newest].State.Number;
        if (number == 0 || _slots[newest].State.Runs.Count == ChunkSize)
        {
            number++;
            newest = (int)(number % Chunks);
            foreach (var dropped in _slots[newest].State.Runs)
            {
                Forget(dropped);
            }

            _slots[newest].State = new RunChunk { Number = number };
        }

        _slots[newest].State = _slots[newest].State with { Runs = [.. _slots[newest].State.Runs, run] };
        Index(run, newest);
        return _writers[newest].WriteAsync();
    }

    /// <summary>Changes a run's summary, if it is still listed.</summary>
    /// <param name="summary">The new summary.</param>
    /// <param name="durable">Whether to store it: a status that the run itself can tell again need not be.</param>
    public Task UpdateAsync(RunSummary summary, bool durable)
    {
        if (!_slotOf.TryGetValue(summary.Id, out var slot))
        {
            return Task.CompletedTask;
        }

        var chunk = _slots[slot].State;
        var known = chunk.Runs.Find(run => run.Summary.Id == summary.Id)!.Summary;
        if (summary.Retries < known.Retries || (summary.Retries == known.Retries && summary.Ended is null && known.Ended is not null))
        {
            // A run tells of its start without waiting: that may come after its end.
            return Task.CompletedTask;
        }

        // A run that goes on after its end must not be stored as ended.
        durable |= known.Ended is not null;
        _slots[slot].State = chunk with { Runs = [.. chunk.Runs.Select(run => run.Summary.Id == summary.Id ? run with { Summary = summary } : run)] };
        return durable ? _writers[slot].WriteAsync() : Task.CompletedTask;
    }

    /// <summary>Takes a run out: one that never came to be, or is removed. Completes when that is durable, also if an earlier try could not be stored.</summary>
    public async Task RemoveAsync(string id)
    {
        if (!_slotOf.TryGetValue(id, out var slot))
        {
            foreach (var unsaved in _unsaved.ToArray())
            {
                await SaveRemovalAsync(unsaved);
            }

            return;
        }

        var chunk = _slots[slot].State;
        Forget(chunk.Runs.First(run => run.Summary.Id == id));
        _slots[slot].State = chunk with { Runs = [.. chunk.Runs.Where(run => run.Summary.Id != id)] };
        await SaveRemovalAsync(slot);
    }

    private async Task SaveRemovalAsync(int slot)
    {
        _unsaved.Add(slot);
        await _writers[slot].WriteAsync();
        _unsaved.Remove(slot);
    }

    private int Newest()
    {
        var newest = 0;
        for (var i = 1; i < Chunks; i++)
        {
            newest = _slots[i].State.Number > _slots[newest].State.Number ? i : newest;
        }

        return newest;
    }

    private void Index(RunEntry run, int slot)
    {
        _slotOf[run.Summary.Id] = slot;
        if (run.IdempotencyKey is { } key)
        {
            _byKey[key] = run;
        }
    }

    private void Forget(RunEntry run)
    {
        _slotOf.Remove(run.Summary.Id);
        if (run.IdempotencyKey is { } key)
        {
            _byKey.Remove(key);
        }
    }
}
