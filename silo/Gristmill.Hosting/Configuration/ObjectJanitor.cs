using Gristmill.Objects;
using Gristmill.Worker;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Frees shared memory once a minute, and now and then what stages have printed.</summary>
internal sealed partial class ObjectJanitor(ObjectCollector collector, ObjectStore objects, StageFiles files, TimeProvider time, ILogger<ObjectJanitor> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_logPeriod = TimeSpan.FromHours(1);

    private DateTimeOffset _swept;

    /// <summary>One pass; returns how many segments went.</summary>
    public async Task<int> CleanAsync(CancellationToken cancellationToken)
    {
        var removed = await collector.CleanAsync(cancellationToken);
        var now = time.GetUtcNow();
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
            objects.ReleaseRecycled();
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} segments that nobody needs were removed")]
    private partial void LogRemoved(int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The object store could not be cleaned; trying again in a minute")]
    private partial void LogFailed(Exception exception);
}
