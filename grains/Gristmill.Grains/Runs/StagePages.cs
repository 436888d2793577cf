using System.Collections.Immutable;
using Orleans.Serialization;

namespace Gristmill.Grains.Runs;

/// <summary>The stages of a large run that is over: stored in pages, each small enough for one message.</summary>
internal sealed class StagePages(Serializer<ImmutableArray<StageView>> serializer, IGrainFactory grains)
{
    private const int PagesAtOnce = 8;

    /// <summary>Stores stages; completes when all are durable. The same stages again cost no write.</summary>
    public async Task<ImmutableArray<StagePageRef>> PutAsync(IReadOnlyList<StageView> stages)
    {
        // Some 10 us a stage: not in a grain's turn.
        var pages = await Task.Run(() => Split(stages));
        var stored = ImmutableArray.CreateBuilder<StagePageRef>(pages.Count);
        foreach (var some in pages.Chunk(PagesAtOnce))
        {
            stored.AddRange(await Task.WhenAll(some.Select(async page =>
                new StagePageRef(await grains.PutBlobAsync(page.Bytes), page.First, page.Counts))));
        }

        return stored.ToImmutable();
    }

    /// <summary>Stages from an offset on: of one stored page, or of those that follow if it has none of the status.</summary>
    public async Task<StagePage> GetAsync(ImmutableArray<StagePageRef> pages, StageCounts counts, int offset, int limit, StageStatus? status)
    {
        var total = counts.Total;
        for (var i = 0; i < pages.Length; i++)
        {
            var end = i + 1 < pages.Length ? pages[i + 1].First : total;
            if (offset >= end || (status is { } wanted && pages[i].Counts.Of(wanted) == 0))
            {
                continue;
            }

            var stages = await ReadAsync(pages[i].Blob);
            var page = StageSelection.Page(stages, counts, Math.Max(0, offset - pages[i].First), limit, status);
            if (page.Stages.Length > 0)
            {
                var next = pages[i].First + (page.Next ?? stages.Length);
                return page with { Next = next < total ? next : null };
            }
        }

        return new StagePage { Stages = [], Counts = counts };
    }

    /// <summary>One stage by its name, or null.</summary>
    public async Task<StageView?> FindAsync(ImmutableArray<StagePageRef> pages, string name)
    {
        foreach (var page in pages)
        {
            if ((await ReadAsync(page.Blob)).FirstOrDefault(stage => stage.Name == name) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>The stages of a page; none if it has been removed, be it in part.</summary>
    public async Task<ImmutableArray<StageView>> FindAsync(StagePageRef page)
    {
        try
        {
            return await ReadAsync(page.Blob);
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.NotFound)
        {
            return [];
        }
    }

    /// <summary>Removes a page; again changes nothing.</summary>
    public Task RemoveAsync(StagePageRef page) => grains.DeleteBlobAsync(page.Blob);

    private async Task<ImmutableArray<StageView>> ReadAsync(BlobRef blob) => serializer.Deserialize(await grains.GetBlobAsync(blob));

    private List<(byte[] Bytes, int First, StageCounts Counts)> Split(IReadOnlyList<StageView> stages)
    {
        var pages = new List<(byte[], int, StageCounts)>();
        var page = new List<StageView>();
        var bytes = 0;
        for (var i = 0; i <= stages.Count; i++)
        {
            var size = i < stages.Count ? StageViewSize.Of(stages[i]) : 0;
            if (page.Count > 0 && (i == stages.Count || bytes + size > StageSelection.MaxBytes))
            {
                pages.Add((serializer.SerializeToArray([.. page]), i - page.Count, StageCounts.Of(page)));
                page.Clear();
                bytes = 0;
            }

            if (i < stages.Count)
            {
                page.Add(stages[i]);
                bytes += size;
            }
        }

        return pages;
    }
}
