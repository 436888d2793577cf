using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>
/// Decides which objects nobody needs. The data folder's lock makes this silo's cluster the only owner of its segments, so what no run here knows,
/// nobody needs. What a process has mapped stays whatever else is true.
/// </summary>
internal sealed class ObjectCollector(ObjectStore objects, IGrainFactory grains, CacheJanitor cache, GristmillOptions options, TimeProvider time)
{
    private const int RunsPerPage = 1000;
    private const int Shown = 100;

    /// <summary>What is younger may belong to a request or an attempt that has not told anybody yet.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Removes unsealed segments of dead writers, tables of runs whose retention has ended and that the result cache does not keep, and tables that no
    /// run ever committed (an attempt died between sealing and committing).
    /// </summary>
    /// <returns>How many segments went.</returns>
    public async Task<int> CleanAsync(CancellationToken cancellationToken)
    {
        var removed = objects.Sweep();
        var now = time.GetUtcNow();
        var (keep, spare) = await NeededAsync(now, cancellationToken);
        var spared = objects.Scan().Objects.Where(item => item is { IsSealed: true, IsPinned: false } && !keep.Contains(item.Id) && item.Modified < spare).ToList();
        if (spared.Count > 0)
        {
            // Asked last: what a stage takes over meanwhile counts as used, and is not evicted.
            var cached = await cache.KeepAsync(now, cancellationToken);
            removed += spared.Count(item => !cached.Contains(item.Id) && objects.RemoveUnlessHeld(item));
        }

        return removed;
    }

    /// <summary>Removes, of what <see cref="CleanAsync"/> may remove, the objects that nothing in the cache refers to and of which no run is left.</summary>
    /// <param name="olderThan">Only such as were sealed so long ago.</param>
    /// <param name="dryRun">Only tells what would go.</param>
    /// <param name="cancellationToken">Ends the collection.</param>
    public async Task<ObjectGc> CollectAsync(TimeSpan olderThan, bool dryRun, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (keep, spare) = await NeededAsync(now, cancellationToken);
        var all = objects.Scan().Objects;
        var limit = now - olderThan;
        var orphans = new List<(StoredObject Item, ObjectDescription Said)>();
        var runs = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var item in all.Where(item => item.IsSealed && !keep.Contains(item.Id) && item.Modified < limit))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var said = objects.Describe(item);
            if (ObjectOwner.RunOf(said.Owner) is { } run ? !await ExistsAsync(run) : item.Modified < spare)
            {
                orphans.Add((item, said));
            }
        }

        var cached = orphans.Count > 0 ? await cache.ListAsync(cancellationToken) : [];
        orphans.RemoveAll(orphan => cached.Contains(orphan.Item.Id));
        var pinned = orphans.RemoveAll(static orphan => orphan.Item.IsPinned);
        var gone = orphans.Where(orphan => Remove(orphan.Item)).ToList();
        var abandoned = all.Where(item => !item.IsSealed && Remove(item)).ToList();
        if (!dryRun)
        {
            objects.Sweep();
        }

        return new ObjectGc
        {
            DryRun = dryRun,
            Objects = gone.Count,
            Bytes = gone.Sum(static orphan => orphan.Item.Bytes),
            Abandoned = abandoned.Count,
            AbandonedBytes = abandoned.Sum(static item => item.Bytes),
            Mapped = orphans.Except(gone).Count(orphan => objects.IsHeld(orphan.Item)),
            Pinned = pinned,
            Largest = [.. gone.OrderByDescending(static orphan => orphan.Item.Bytes).Take(Shown).Select(orphan => ObjectViews.Of(objects, orphan.Item, orphan.Said))],
        };

        bool Remove(StoredObject item) => dryRun ? !objects.IsHeld(item) : objects.RemoveUnlessHeld(item);

        async ValueTask<bool> ExistsAsync(string run) =>
            runs.TryGetValue(run, out var known) ? known : runs[run] = await grains.GetGrain<IRunGrain>(run).GetAsync() is not null;
    }

    /// <summary>The tables of runs within their retention, and the time from which on a table may belong to somebody whom none of them knows.</summary>
    private async Task<(HashSet<string> Keep, DateTimeOffset Spare)> NeededAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var spare = now - s_grace;
        var keep = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pipeline in await grains.GetGrain<ICatalogGrain>("pipelines").ListAsync())
        {
            await foreach (var summary in RunsAsync(pipeline))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var over = summary.Status >= RunStatus.Succeeded;
                if (over && summary.Ended + options.ObjectRetention < now)
                {
                    continue;
                }

                if (!over && summary.Created < spare)
                {
                    // A running attempt may have sealed outputs that it has not handed over yet.
                    spare = summary.Created;
                }

                await foreach (var stage in grains.GetGrain<IRunGrain>(summary.Id).ListStagesAsync())
                {
                    keep.UnionWith(stage.Outputs.Values.Select(static output => output.Dataset?.Id).OfType<string>());
                }
            }
        }

        return (keep, spare);
    }

    private async IAsyncEnumerable<RunSummary> RunsAsync(string pipeline)
    {
        string? before = null;
        while (true)
        {
            var page = await grains.GetGrain<IPipelineGrain>(pipeline).ListRunsAsync(RunsPerPage, before);
            foreach (var run in page)
            {
                yield return run;
            }

            if (page.Count == 0)
            {
                yield break;
            }

            before = page[^1].Id;
        }
    }
}
