namespace Gristmill.Hosting;

/// <summary>Tells why a stage took an earlier result over, or did not: compared with the earlier execution that differs in the least.</summary>
internal static class CacheExplainer
{
    private const int EarlierRuns = 50;
    private const int AtOnce = 16;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>: no such run or stage.</exception>
    public static async Task<StageCacheView> ExplainAsync(IGrainFactory grains, string id, string stage)
    {
        var run = await grains.GetGrain<IRunGrain>(id).GetAsync()
            ?? throw new GristmillException(ErrorCodes.NotFound, $"There is no run '{id}'.", "'mill runs' lists those there are.");
        var view = await grains.GetGrain<IRunGrain>(id).GetStageAsync(stage)
            ?? throw new GristmillException(ErrorCodes.NotFound, $"Run '{id}' has no stage '{stage}'.", $"'mill show {id}' lists its stages.");
        var record = await grains.GetGrain<IStageGrain>($"{id}/{stage}").GetCacheAsync() ?? new StageCacheRecord { Reason = Unasked(view) };
        return new StageCacheView
        {
            Run = id,
            Stage = stage,
            Status = view.Status,
            Outcome = record.Outcome,
            Reason = record.Reason,
            Origin = record.Origin,
            Computed = record.Computed,
            Key = record.Fingerprint.Key,
            Parts = record.Fingerprint.Parts,
            Nearest = record.Outcome == CacheOutcome.Hit || record.Fingerprint.Parts.IsEmpty ? null : await NearestAsync(grains, run, stage, record.Fingerprint),
        };
    }

    private static string Unasked(StageView view) => view.Operation switch
    {
        StageOperations.NoOp => "it does nothing, which costs less than to ask",
        StageOperations.Register => "registering a model is an effect, which is never taken over",
        _ when view.Status is StageStatus.Pending or StageStatus.Running => "it has not ended yet",
        _ => "it was not executed",
    };

    private static async Task<CacheComparison?> NearestAsync(IGrainFactory grains, RunView run, string stage, StageFingerprint now)
    {
        var earlier = await grains.GetGrain<IPipelineGrain>(run.Pipeline).ListRunsAsync(EarlierRuns, run.Id);
        CacheComparison? nearest = null;
        foreach (var some in earlier.Chunk(AtOnce))
        {
            var known = await Task.WhenAll(some.Select(async summary =>
            {
                var grain = grains.GetGrain<IStageGrain>($"{summary.Id}/{stage}");
                return (summary.Id, View: await grain.GetAsync(), Record: await grain.GetCacheAsync());
            }));
            foreach (var (id, view, record) in known)
            {
                // Newest first: of equals the newest is kept.
                if (view?.Status == StageStatus.Succeeded && record is { Fingerprint.Parts.IsEmpty: false }
                    && CacheComparison.Compare(record.Fingerprint, now) is var changes && (nearest is null || changes.Length < nearest.Changes.Length))
                {
                    // What took a result over was no execution: the one that it took it from was.
                    nearest = new CacheComparison { Run = record.Origin?.Run ?? id, Ended = record.Computed ?? view.Ended, Changes = changes };
                }
            }
        }

        return nearest;
    }
}
