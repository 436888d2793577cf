using System.Collections.Immutable;
using Gristmill.Grains.Pipelines;
using Gristmill.Grains.State;

namespace Gristmill.Grains.Partitions;

/// <inheritdoc cref="IPartitionsGrain"/>
[GrainType("gristmill.partitions")]
internal sealed class PartitionsGrain([PersistentState("partitions", StorageNames.Gristmill)] IPersistentState<PartitionsState> state, TimeProvider time) : Grain, IPartitionsGrain
{
    private const int MaxPage = 1000;
    private const int MaxBackfills = 50;
    private const int MaxReason = 200;

    private readonly Durable<PartitionsState> _state = new(state);

    private string Pipeline => this.GetPrimaryKeyString();

    public async Task<PartitionPage> ListAsync(PartitionQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Limit is < 1 or > MaxPage)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The limit is {query.Limit}; 1 to {MaxPage} are possible.", "Ask for fewer and page with the last key.");
        }

        var table = await PartitionTable.ReadAsync(GrainFactory, Pipeline, time);
        var keys = query.Range is { } range ? table.Keys.Range(range) : table.Keys.All();
        var views = keys.Select(table.View).ToList();
        var from = query.After is null ? 0 : views.FindIndex(view => view.Key == query.After) + 1;
        if (query.After is not null && from == 0)
        {
            throw new GristmillException(ErrorCodes.Partition, $"There is no partition '{query.After}' to go on after.", "Page with the key that the last page gave.").With("partition", query.After);
        }

        var items = views.Skip(from).Where(view => query.Status is null || view.Status == query.Status).Take(query.Limit + 1).ToList();
        return new PartitionPage
        {
            Spec = table.Spec,
            Items = [.. items.Take(query.Limit)],
            Counts = views.GroupBy(static view => view.Status).ToImmutableDictionary(static group => group.Key, static group => group.Count()),
            Next = items.Count > query.Limit ? items[query.Limit - 1].Key : null,
        };
    }

    public async Task<int> MarkStaleAsync(string partitions, string? reason)
    {
        if (reason is { Length: > MaxReason })
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The reason has {reason.Length} characters; at most {MaxReason} are kept.", "Say it shorter.");
        }

        var table = await PartitionTable.ReadAsync(GrainFactory, Pipeline, time);
        var now = time.GetUtcNow();
        var counts = await Task.WhenAll(PartitionShardGrain.Of(GrainFactory, Pipeline, table.Keys.Range(partitions)).Select(shard => shard.Shard.MarkStaleAsync(shard.Keys, now, reason)));
        return counts.Sum();
    }

    public async Task<BackfillView> StartBackfillAsync(BackfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Parallel is < 1 or > 100 || !Enum.IsDefined(request.Select) || request.IdempotencyKey is { Length: 0 or > 200 })
        {
            throw new GristmillException(ErrorCodes.Invalid, $"A backfill of {request.Parallel} runs at once, selection {request.Select}; 1 to 100 and the known selections are possible.", "Correct the request.");
        }

        // The id first: the list may name a backfill that never came to be, and never lacks one that did.
        var id = request.IdempotencyKey is { } key ? $"{Pipeline}~{PipelineVersion.Digest(key)[..24]}" : $"{Pipeline}~{RunIds.Next(time)}";
        if (!_state.Value.Backfills.Contains(id))
        {
            // What is wrong is told before anything is stored.
            _ = (await PartitionTable.ReadAsync(GrainFactory, Pipeline, time)).Keys.Range(request.Partitions);
            await _state.SetAsync(new PartitionsState { Backfills = [.. _state.Value.Backfills.TakeLast(MaxBackfills - 1), id] });
        }

        return await GrainFactory.GetGrain<IBackfillControlGrain>(id).BeginAsync(Pipeline, request);
    }

    public async Task<IReadOnlyList<BackfillView>> ListBackfillsAsync()
    {
        var views = await Task.WhenAll(_state.Value.Backfills.Reverse().Select(id => GrainFactory.GetGrain<IBackfillGrain>(id).GetAsync()));
        return [.. views.OfType<BackfillView>()];
    }
}
