using Gristmill.Objects;
using Gristmill.Worker;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>
/// Frees shared memory: unsealed segments of dead writers, tables of runs whose retention has ended and that the result
/// cache does not keep, and tables that no run ever committed (an attempt died between sealing and committing). The data folder's lock makes this silo the only
/// owner of its segments, so what no run here knows, nobody needs.
/// </summary>
internal sealed partial class ObjectJanitor(
    ObjectStore objects, IGrainFactory grains, CacheJanitor cache, StageFiles files, GristmillOptions options, TimeProvider time, ILogger<ObjectJanitor> logger) : BackgroundService
{
    private const int RunsPerPage = 1000;
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_logPeriod = TimeSpan.FromHours(1);

    private DateTimeOffset _swept;

    /// <summary>What is younger may belong to a request or an attempt that has not told anybody yet.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromMinutes(2);

    /// <summary>One pass; returns how many segments went.</summary>
    public async Task<int> CleanAsync(CancellationToken cancellationToken)
    {
        var removed = objects.Sweep();
        var now = time.GetUtcNow();
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

        var spared = objects.List().Where(item => !keep.Contains(item.Id) && objects.SealedAt(item.Id) is { } age && age < spare).ToList();
        if (spared.Count > 0)
        {
            // Asked last: what a stage takes over meanwhile counts as used, and is not evicted.
            var cached = await cache.KeepAsync(now, cancellationToken);
            removed += spared.Count(item => !cached.Contains(item.Id) && objects.Delete(item.Id));
        }

        if (now - _swept > s_logPeriod)
        {
            _swept = now;
            await Task.Run(() => files.Sweep(now), cancellationToken);
        }

        if (removed > 0)
        {
            LogRemoved(removed);
        }

        return removed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await CleanAsync(stoppingToken);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    LogFailed(e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
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

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} segments that nobody needs were removed")]
    private partial void LogRemoved(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The object store could not be cleaned; trying again in a minute")]
    private partial void LogFailed(Exception exception);
}
