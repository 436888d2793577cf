using Gristmill.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Makes an index that is empty though there are runs (its file was lost, or is of an older version) anew, from the runs' own grains.</summary>
internal sealed partial class RunIndexRebuild(ITrackingStore store, IGrainFactory grains, ILogger<RunIndexRebuild> logger) : BackgroundService
{
    private const int RunsPerPage = 1000;
    private const int AtOnce = 32;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (!await store.IsEmptyAsync(stoppingToken))
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
                    page = await grains.GetGrain<IPipelineGrain>(pipeline).ListRunsAsync(RunsPerPage, before);
                    await Parallel.ForEachAsync(page, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stoppingToken },
                        async (run, _) => await grains.IndexRunAsync(run.Id));
                    count += page.Count;
                    before = page.Count > 0 ? page[^1].Id : null;
                }
                while (page.Count == RunsPerPage);
            }

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
