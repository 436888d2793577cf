using System.Globalization;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>
/// Brings a stage's input tables to this host before it takes a slot: what runs it finds them in shared memory. One that it finds damaged there is removed, so
/// that it is brought from another host, or made again.
/// </summary>
internal sealed class FetchingExecutor(IStageExecutor inner, ObjectStore store, ObjectFetcher fetcher) : IStageExecutor, IAsyncDisposable
{
    private const int AtOnce = 4;

    public bool IsFaithful => inner.IsFaithful;

    public void Prepare() => inner.Prepare();

    public async Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        var missing = request.Inputs.Values.SelectMany(Tables).Where(table => !store.Contains(table.Id)).DistinctBy(static table => table.Id).ToList();
        // Even with nothing to do it would go to another thread, which the next stage of a chain waits for longer than for its worker.
        if (missing.Count > 0)
        {
            progress?.Report(new StageProgress(Message: string.Create(CultureInfo.InvariantCulture, $"bringing {missing.Count} table{(missing.Count == 1 ? "" : "s")} from other hosts")));
            await Parallel.ForEachAsync(missing, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
                async (table, token) => await fetcher.FetchAsync(table.Id, token)).ConfigureAwait(false);
        }

        try
        {
            return await inner.ExecuteAsync(request, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt && e.Error.Details.TryGetValue("object", out string? id)
            && request.Inputs.Values.SelectMany(Tables).Any(table => table.Id == id))
        {
            RemoveIfDamaged(e.Error.Details["object"]);
            throw;
        }
    }

    /// <summary>A stage may say of any table that it is damaged: whether it is, is looked at here.</summary>
    private void RemoveIfDamaged(string id)
    {
        try
        {
            using var lease = store.Get(id);
            lease.Verify();
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
        {
            store.Delete(id);
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.ObjectNotFound)
        {
            // Gone already.
        }
    }

    public ValueTask DisposeAsync() => inner is IAsyncDisposable disposable ? disposable.DisposeAsync() : ValueTask.CompletedTask;

    private static IEnumerable<ObjectRef> Tables(Artifact artifact) => artifact switch
    {
        { Dataset: { } table } => [table],
        { Collection.Items: { } items } => items.OfType<Artifact>().SelectMany(Tables),
        _ => [],
    };
}
