using System.Collections.Concurrent;
using Gristmill.Grains.Partitions;
using Gristmill.Grains.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Finds unfinished runs, backfills and triggers that are due when this silo has started and when another one has died, and has them go
/// on within seconds. The reminder that each holds is how they are found, and the safety net if this fails.
/// </summary>
internal sealed partial class RunRecovery(
    IServiceProvider services,
    IGrainFactory grains,
    ISiloStatusOracle silos,
    ILocalSiloDetails local,
    TimeProvider time,
    ILogger<RunRecovery> logger) : ILifecycleParticipant<ISiloLifecycle>, ISiloStatusListener, IDisposable
{
    private const int AtOnce = 32;
    private const int Tries = 5;

    private static readonly TimeSpan AfterDeath = TimeSpan.FromMilliseconds(200);

    private readonly ILogger<RunRecovery> _logger = logger;
    private readonly CancellationTokenSource _stopping = new();

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(RunRecovery),
        ServiceLifecycleStage.Active,
        _ =>
        {
            silos.SubscribeToSiloStatusEvents(this);
            Begin(TimeSpan.Zero);
            return Task.CompletedTask;
        },
        _ =>
        {
            silos.UnSubscribeFromSiloStatusEvents(this);
            _stopping.Cancel();
            return Task.CompletedTask;
        });

    public void Dispose() => _stopping.Dispose();

    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        // One silo is enough: the first of those alive.
        if (status == SiloStatus.Dead
            && !updatedSilo.Equals(local.SiloAddress)
            && silos.GetApproximateSiloStatuses(onlyActive: true).Keys.Min() is { } first
            && first.Equals(local.SiloAddress))
        {
            Begin(AfterDeath);
        }
    }

    /// <summary>Goes on in the background: neither a silo's start nor membership waits for runs.</summary>
    private void Begin(TimeSpan delay) => _ = Task.Run(() => RecoverAsync(delay, _stopping.Token));

    private async Task RecoverAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        // Null until the reminders were read: then what has not answered yet.
        List<(GrainId Grain, Func<Task> Wake)>? waiting = null;
        for (var attempt = 1; attempt <= Tries; attempt++)
        {
            try
            {
                await Task.Delay(delay, time, cancellationToken);
                waiting ??= await ReadAsync(cancellationToken);
                var silent = new ConcurrentBag<(GrainId, Func<Task>)>();
                await Parallel.ForEachAsync(
                    waiting,
                    new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
                    async (one, _) =>
                    {
                        if (!await WakeAsync(one.Grain, one.Wake))
                        {
                            silent.Add(one);
                        }
                    });
                waiting = [.. silent];
                if (waiting.Count == 0)
                {
                    return;
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                LogNotRecovered(attempt, e);
            }

            // While membership settles, calls go to silos that are gone.
            delay = TimeSpan.FromSeconds(attempt);
        }
    }

    private async Task<List<(GrainId Grain, Func<Task> Wake)>> ReadAsync(CancellationToken cancellationToken)
    {
        if (services.GetService<IReminderTable>() is not { } table)
        {
            return [];
        }

        // A range that begins where it ends is the whole ring.
        var rows = await table.ReadRows(0u, 0u, cancellationToken);
        var now = time.GetUtcNow().UtcDateTime;
        var found = new List<(GrainId, Func<Task>)>();
        foreach (var row in rows.Reminders)
        {
            Func<Task>? wake = row.ReminderName switch
            {
                RunGrain.ReminderName => () => grains.GetGrain<IRunControlGrain>(row.GrainId).ResumeAsync(),
                TriggerGrain.ReminderName when row.StartAt <= now => () => grains.GetGrain<ITriggerControlGrain>(row.GrainId).WakeAsync(),
                BackfillGrain.ReminderName => () => grains.GetGrain<IBackfillControlGrain>(row.GrainId).WakeAsync(),
                _ => null,
            };
            if (wake is not null)
            {
                found.Add((row.GrainId, wake));
            }
        }

        var runs = rows.Reminders.Count(static row => row.ReminderName == RunGrain.ReminderName);
        if (runs > 0)
        {
            LogRecovering(runs);
        }

        return found;
    }

    private async Task<bool> WakeAsync(GrainId grain, Func<Task> wake)
    {
        try
        {
            await wake();
            return true;
        }
        catch (Exception e)
        {
            // One that cannot go on now does not hold up the others; after the last try its reminder is left.
            LogNotWoken(grain, e);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Grain} could not be woken yet")]
    private partial void LogNotWoken(GrainId grain, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Runs} unfinished runs are asked to go on")]
    private partial void LogRecovering(int runs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Unfinished runs could not be found, try {Attempt}")]
    private partial void LogNotRecovered(int attempt, Exception exception);
}
