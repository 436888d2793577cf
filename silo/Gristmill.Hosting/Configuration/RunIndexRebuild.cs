using Gristmill.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Makes an index that is not known to have all runs (it is new, or its file was lost) anew, from the runs' own grains; of silos that share it one does.</summary>
internal sealed partial class RunIndexRebuild(ITrackingStore store, IGrainFactory grains, TimeProvider time, ILogger<RunIndexRebuild> logger) : BackgroundService
{
    private const int RunsPerPage = 1000;
    private const int AtOnce = 32;

    // Longer than a page takes.
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // Another silo that is at it may die: it is asked until one has told that all is in.
            RebuildClaim claim;
            while ((claim = await store.ClaimRebuildAsync(s_lease, stoppingToken)) == RebuildClaim.Taken)
            {
                await Task.Delay(s_lease / 2, time, stoppingToken);
            }

            if (claim == RebuildClaim.Complete)
            {
                return;
            }

            var count = 0;
            foreach (var pipeline in await grains.GetGrain<ICatalogGrain>("pipelines").ListAsync())
            {
                string? before = null;
                IReadOnlyList<RunSummary> page;
                do
                {
                    await store.ClaimRebuildAsync(s_lease, stoppingToken);
                    page = await grains.GetGrain<IPipelineGrain>(pipeline).ListRunsAsync(RunsPerPage, before);
                    await Parallel.ForEachAsync(page, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stoppingToken },
                        async (run, _) => await grains.IndexRunAsync(run.Id));
                    count += page.Count;
                    before = page.Count > 0 ? page[^1].Id : null;
                }
                while (page.Count == RunsPerPage);
            }

            await store.CompleteRebuildAsync();
            if (count > 0)
            {
                LogRebuilt(count);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        catch (Exception e)
        {
            LogFailed(e);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The index of runs was made anew from {Runs} runs")]
    private partial void LogRebuilt(int runs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The index of runs could not be made anew; the next start tries again")]
    private partial void LogFailed(Exception exception);
}
