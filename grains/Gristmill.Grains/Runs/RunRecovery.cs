using Gristmill.Grains.Partitions;
using Gristmill.Grains.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Finds unfinished runs when this silo has started and when another one has died, and has them go on within seconds. The
/// reminder that each unfinished run holds is how they are found, and the safety net if this fails.
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
        for (var attempt = 1; attempt <= Tries; attempt++)
        {
            try
            {
                await Task.Delay(delay, time, cancellationToken);
                if (services.GetService<IReminderTable>() is not { } table)
                {
                    return;
                }

                // A range that begins where it ends is the whole ring.
                var rows = await table.ReadRows(0u, 0u, cancellationToken);
                var runs = rows.Reminders.Where(static row => row.ReminderName == RunGrain.ReminderName).Select(static row => row.GrainId).ToList();
                await Parallel.ForEachAsync(
                    runs,
                    new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
                    async (run, _) => await ResumeAsync(run));
                var now = time.GetUtcNow().UtcDateTime;
                var triggers = rows.Reminders.Where(row => row.ReminderName == TriggerGrain.ReminderName && row.StartAt <= now).Select(static row => row.GrainId).ToList();
                await Parallel.ForEachAsync(
                    triggers,
                    new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
                    async (trigger, _) => await WakeAsync(trigger, () => grains.GetGrain<ITriggerControlGrain>(trigger).WakeAsync()));
                var backfills = rows.Reminders.Where(static row => row.ReminderName == BackfillGrain.ReminderName).Select(static row => row.GrainId).ToList();
                foreach (var backfill in backfills)
                {
                    await WakeAsync(backfill, () => grains.GetGrain<IBackfillControlGrain>(backfill).WakeAsync());
                }

                if (runs.Count > 0)
                {
                    LogRecovered(runs.Count);
                }

                return;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                LogNotRecovered(attempt, e);
                delay = TimeSpan.FromSeconds(attempt);
            }
        }
    }

    private async Task ResumeAsync(GrainId run)
    {
        try
        {
            await grains.GetGrain<IRunControlGrain>(run).ResumeAsync();
        }
        catch (Exception e)
        {
            // One run that cannot go on now does not hold up the others; its reminder tries again.
            LogNotResumed(run, e);
        }
    }

    private async Task WakeAsync(GrainId grain, Func<Task> wake)
    {
        try
        {
            await wake();
        }
        catch (Exception e)
        {
            LogNotWoken(grain, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Grain} could not be woken yet; its reminder does")]
    private partial void LogNotWoken(GrainId grain, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Runs} unfinished runs were asked to go on")]
    private partial void LogRecovered(int runs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Unfinished runs could not be found, try {Attempt}")]
    private partial void LogNotRecovered(int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run} could not go on yet")]
    private partial void LogNotResumed(GrainId run, Exception exception);
}
