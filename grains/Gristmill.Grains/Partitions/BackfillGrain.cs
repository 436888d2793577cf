using System.Collections.Immutable;
using Gristmill.Grains.Runs;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace Gristmill.Grains.Partitions;

/// <inheritdoc cref="IBackfillGrain"/>
/// <remarks>
/// The plan is written once. A key is stored as begun before its run is started, with an idempotency key of its number: an
/// activation that finds a key begun without a run starts that same run again.
/// </remarks>
[GrainType("gristmill.backfill")]
internal sealed partial class BackfillGrain(
    [PersistentState("plan", StorageNames.Gristmill)] IPersistentState<BackfillPlan> plan,
    [PersistentState("progress", StorageNames.Gristmill)] IPersistentState<BackfillProgress> progress,
    TimeProvider time,
    ILogger<BackfillGrain> logger) : Grain, IBackfillGrain, IBackfillControlGrain, IRemindable
{
    /// <summary>The reminder of a backfill that is under way.</summary>
    public const string ReminderName = "gristmill.backfill";

    private const int MaxFailures = 100;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly ILogger<BackfillGrain> _logger = logger;
    private readonly Durable<BackfillPlan> _plan = new(plan);
    private readonly Durable<BackfillProgress> _progress = new(progress);
    private IGrainTimer? _timer;

    private string Id => this.GetPrimaryKeyString();

    private bool UnderWay => _plan.Value.Request is not null && _progress.Value.Ended is null;

    public Task<BackfillView?> GetAsync() => Task.FromResult(_plan.Value.Request is null ? null : View());

    public async Task<BackfillView> BeginAsync(string pipeline, BackfillRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (_plan.Value.Request is { } before)
        {
            return GristmillJson.Canonical(before) == GristmillJson.Canonical(request) ? View() : throw new GristmillException(
                ErrorCodes.IdempotencyKeyReused, $"The idempotency key was used for another backfill of '{pipeline}'.", "Use a new key for a new request.");
        }

        var table = await PartitionTable.ReadAsync(GrainFactory, pipeline, time);
        var keys = table.Keys.Range(request.Partitions).Where(key => Wanted(request.Select, table.View(key).Status)).ToImmutableArray();
        await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
        await _plan.SetAsync(new BackfillPlan { Pipeline = pipeline, Request = request, Keys = keys, Created = time.GetUtcNow() });
        LogBegun(Id, keys.Length, request.Partitions);
        await StepAsync();
        return View();
    }

    public async Task<BackfillView> CancelAsync()
    {
        if (_plan.Value.Request is null)
        {
            throw new GristmillException(ErrorCodes.NotFound, $"There is no backfill '{Id}'.", "'mill backfill list PIPELINE' shows those there are.").With("backfill", Id);
        }

        if (UnderWay && !_progress.Value.CancelRequested)
        {
            await SaveAsync(_progress.Value with { CancelRequested = true });
            await StepAsync();
        }

        return View();
    }

    public Task WakeAsync() => StepAsync();

    public Task ReceiveReminder(string reminderName, TickStatus status) => StepAsync();

    private static bool Wanted(BackfillSelection select, PartitionStatus status) => select switch
    {
        BackfillSelection.Missing => status is PartitionStatus.Missing or PartitionStatus.Failed,
        BackfillSelection.Failed => status == PartitionStatus.Failed,
        BackfillSelection.Stale => status == PartitionStatus.Stale,
        BackfillSelection.Needed => status is PartitionStatus.Missing or PartitionStatus.Failed or PartitionStatus.Stale,
        _ => true,
    };

    /// <summary>Looks after the runs under way, and starts as many as may be.</summary>
    private async Task StepAsync()
    {
        _timer?.Dispose();
        _timer = null;
        if (!UnderWay)
        {
            if (await this.GetReminder(ReminderName) is { } reminder)
            {
                await this.UnregisterReminder(reminder);
            }

            return;
        }

        try
        {
            await FollowAsync();
            await StartAsync();
            if (_progress.Value.Active.IsEmpty && (_progress.Value.CancelRequested || _progress.Value.Next == _plan.Value.Keys.Length))
            {
                await SaveAsync(_progress.Value with { Ended = time.GetUtcNow() });
                LogEnded(Id, _progress.Value.Succeeded, _progress.Value.Failed);
                await StepAsync();
                return;
            }
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            // Storage or a silo is away; what was begun is stored.
            LogNotStepped(Id, e);
        }

        _timer = this.RegisterGrainTimer(StepAsync, new GrainTimerCreationOptions(Look, Timeout.InfiniteTimeSpan) { KeepAlive = true });
    }

    private async Task FollowAsync()
    {
        var runs = await Task.WhenAll(_progress.Value.Active.Where(static active => active.Value.Length > 0)
            .Select(async active => (active.Key, Run: active.Value, Summary: await GrainFactory.GetGrain<IRunControlGrain>(active.Value).GetSummaryAsync())));
        foreach (var (index, run, summary) in runs)
        {
            if (summary is null || summary.Ended is not null)
            {
                await SaveAsync(Settled(index, summary?.Status == RunStatus.Succeeded ? null : run));
            }
            else if (_progress.Value.CancelRequested)
            {
                await GrainFactory.GetGrain<IRunGrain>(run).CancelAsync();
            }
        }
    }

    private async Task StartAsync()
    {
        foreach (var index in _progress.Value.Active.Where(static active => active.Value.Length == 0).Select(static active => active.Key).ToList())
        {
            await StartRunAsync(index);
        }

        while (!_progress.Value.CancelRequested && _progress.Value.Active.Count < _plan.Value.Request!.Parallel && _progress.Value.Next < _plan.Value.Keys.Length)
        {
            var index = _progress.Value.Next;
            await SaveAsync(_progress.Value with { Next = index + 1, Active = _progress.Value.Active.SetItem(index, "") });
            await StartRunAsync(index);
        }
    }

    private async Task StartRunAsync(int index)
    {
        try
        {
            var run = await GrainFactory.GetGrain<IPipelineGrain>(_plan.Value.Pipeline!).StartRunAsync(new RunRequest
            {
                Partition = _plan.Value.Keys[index],
                Parameters = _plan.Value.Request!.Parameters,
                IdempotencyKey = $"backfill:{Id}:{index}",
            });
            await SaveAsync(_progress.Value with { Active = _progress.Value.Active.SetItem(index, run) });
        }
        catch (GristmillException e) when (e.Code is not (ErrorCodes.StorageBusy or ErrorCodes.StorageUnavailable or ErrorCodes.StoreFull or ErrorCodes.Timeout or ErrorCodes.Overloaded))
        {
            await SaveAsync(Settled(index, $"{e.Message} [{e.Code}]"));
        }
    }

    private BackfillProgress Settled(int index, string? failure)
    {
        var now = _progress.Value;
        return now with
        {
            Active = now.Active.Remove(index),
            Succeeded = now.Succeeded + (failure is null ? 1 : 0),
            Failed = now.Failed + (failure is null ? 0 : 1),
            Failures = failure is not null && now.Failures.Count < MaxFailures ? now.Failures.SetItem(_plan.Value.Keys[index], failure.Length <= 500 ? failure : failure[..500]) : now.Failures,
        };
    }

    private async Task SaveAsync(BackfillProgress next)
    {
        try
        {
            await _progress.SetAsync(next);
        }
        catch (InconsistentStateException)
        {
            DeactivateOnIdle();
            throw;
        }
    }

    private BackfillView View()
    {
        var (begun, now) = (_plan.Value, _progress.Value);
        return new BackfillView
        {
            Id = Id,
            Pipeline = begun.Pipeline!,
            Request = begun.Request!,
            Status = now.Ended is null ? RunStatus.Running : now.CancelRequested ? RunStatus.Cancelled : now.Failed > 0 ? RunStatus.Failed : RunStatus.Succeeded,
            Total = begun.Keys.Length,
            Succeeded = now.Succeeded,
            Failed = now.Failed,
            Running = now.Active.ToImmutableDictionary(active => begun.Keys[active.Key], static active => active.Value),
            Failures = now.Failures,
            Created = begun.Created,
            Ended = now.Ended,
        };
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Backfill {Backfill} makes {Count} partitions of {Range}")]
    private partial void LogBegun(string backfill, int count, string range);

    [LoggerMessage(Level = LogLevel.Information, Message = "Backfill {Backfill} ended: {Succeeded} made, {Failed} failed")]
    private partial void LogEnded(string backfill, int succeeded, int failed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Backfill {Backfill} could not go on yet")]
    private partial void LogNotStepped(string backfill, Exception exception);
}
