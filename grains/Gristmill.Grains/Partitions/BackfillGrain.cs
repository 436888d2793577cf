using System.Collections.Immutable;
using Gristmill.Grains.Runs;
using Gristmill.Grains.State;
using Gristmill.Grains.Triggers;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace Gristmill.Grains.Partitions;

/// <inheritdoc cref="IBackfillGrain"/>
/// <remarks>
/// The plan is written once. A key is stored as begun before its run is started, with an idempotency key of its number: an
/// activation that finds a key begun without a run starts that same run again. Each end of a run is told by the pipeline's
/// <see cref="IRunSubscribersGrain"/> and makes room for the next; the reminder asks for ends that were not told.
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

    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly ILogger<BackfillGrain> _logger = logger;
    private readonly Durable<BackfillPlan> _plan = new(plan);
    private readonly Durable<BackfillProgress> _progress = new(progress);

    /// <summary>Changes that the next write stores, in their order.</summary>
    private readonly List<Func<BackfillProgress, BackfillProgress>> _changes = [];

    /// <summary>Numbers of keys whose runs are being started.</summary>
    private readonly HashSet<int> _starting = [];

    /// <summary>Ends of runs that were told while some had no known id, each with its failure or null.</summary>
    private readonly Dictionary<string, string?> _early = new(StringComparer.Ordinal);
    private CoalescedWriter? _writer;
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
            await ChangeAsync(static now => now with { CancelRequested = true });
            await StepAsync();
        }

        return View();
    }

    public Task WakeAsync() => StepAsync();

    public async Task<bool> OnRunEndedAsync(RunEnded run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (UnderWay && (_progress.Value.Active.ContainsValue(run.Run) || _progress.Value.Active.ContainsValue("")))
        {
            await SettleAsync(run.Run, run.Status == RunStatus.Succeeded);
        }

        return UnderWay;
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => StepAsync();

    private static bool Wanted(BackfillSelection select, PartitionStatus status) => select switch
    {
        BackfillSelection.Missing => status is PartitionStatus.Missing or PartitionStatus.Failed,
        BackfillSelection.Failed => status == PartitionStatus.Failed,
        BackfillSelection.Stale => status == PartitionStatus.Stale,
        BackfillSelection.Needed => status is PartitionStatus.Missing or PartitionStatus.Failed or PartitionStatus.Stale,
        _ => true,
    };

    /// <summary>Catches up with what it was not told, and goes on; at its end, removes what kept it going.</summary>
    private async Task StepAsync()
    {
        _timer?.Dispose();
        _timer = null;
        try
        {
            if (UnderWay)
            {
                await GrainFactory.GetGrain<IRunSubscribersGrain>(_plan.Value.Pipeline!).SubscribeBackfillAsync(Id);
                await Task.WhenAll(_progress.Value.Active.Values.Where(static run => run.Length > 0).Select(AskAsync));
                await ChangeAsync(static now => now);
            }

            if (!UnderWay && await this.GetReminder(ReminderName) is { } reminder)
            {
                await this.UnregisterReminder(reminder);
            }
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            TryAgain(e);
        }
    }

    private async Task AskAsync(string run)
    {
        var summary = await GrainFactory.GetGrain<IRunControlGrain>(run).GetSummaryAsync();
        if (summary is null || summary.Ended is not null)
        {
            await SettleAsync(run, summary?.Status == RunStatus.Succeeded);
        }
        else if (_progress.Value.CancelRequested)
        {
            await GrainFactory.GetGrain<IRunGrain>(run).CancelAsync();
        }
    }

    private Task SettleAsync(string run, bool succeeded) => ChangeAsync(now =>
    {
        var failure = succeeded ? null : run;
        foreach (var (index, active) in now.Active)
        {
            if (active == run)
            {
                return Settled(now, index, failure);
            }
        }

        if (now.Active.ContainsValue(""))
        {
            _early[run] = failure;
        }

        return now;
    });

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
            await ChangeAsync(now => _early.TryGetValue(run, out var failure) ? Settled(now, index, failure) : now with { Active = now.Active.SetItem(index, run) });
        }
        catch (GristmillException e) when (e.Code is not (ErrorCodes.StorageBusy or ErrorCodes.StorageUnavailable or ErrorCodes.StoreFull or ErrorCodes.Timeout or ErrorCodes.Overloaded))
        {
            await ChangeAsync(now => Settled(now, index, $"{e.Message} [{e.Code}]"));
        }
    }

    private async Task StartAsync(int index)
    {
        try
        {
            await StartRunAsync(index);
            if (_progress.Value.CancelRequested && _progress.Value.Active.GetValueOrDefault(index) is { Length: > 0 } run)
            {
                await AskAsync(run);
            }
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            TryAgain(e);
        }
        finally
        {
            _starting.Remove(index);
            if (!_progress.Value.Active.ContainsValue(""))
            {
                _early.Clear();
            }
        }
    }

    /// <summary>Storage or a silo is away; what was begun is stored.</summary>
    private void TryAgain(Exception e)
    {
        LogNotStepped(Id, e);
        _timer ??= this.RegisterGrainTimer(StepAsync, new GrainTimerCreationOptions(AfterFailure, Timeout.InfiniteTimeSpan) { KeepAlive = true });
    }

    private BackfillProgress Settled(BackfillProgress now, int index, string? failure) => !now.Active.ContainsKey(index) ? now : now with
    {
        Active = now.Active.Remove(index),
        Succeeded = now.Succeeded + (failure is null ? 1 : 0),
        Failed = now.Failed + (failure is null ? 0 : 1),
        Failures = failure is not null && now.Failures.Count < MaxFailures ? now.Failures.SetItem(_plan.Value.Keys[index], failure.Length <= 500 ? failure : failure[..500]) : now.Failures,
    };

    /// <summary>Begins as many as there is room for; if none is left, it has ended.</summary>
    private BackfillProgress Filled(BackfillProgress now)
    {
        var keys = _plan.Value.Keys.Length;
        while (!now.CancelRequested && now.Active.Count < _plan.Value.Request!.Parallel && now.Next < keys)
        {
            now = now with { Next = now.Next + 1, Active = now.Active.SetItem(now.Next, "") };
        }

        return now.Ended is null && now.Active.IsEmpty && (now.CancelRequested || now.Next == keys) ? now with { Ended = time.GetUtcNow() } : now;
    }

    /// <summary>Stores a change with what follows from it, together with others that wait; then starts what has been begun.</summary>
    private async Task ChangeAsync(Func<BackfillProgress, BackfillProgress> change)
    {
        _changes.Add(change);
        await (_writer ??= new CoalescedWriter(WriteAsync)).WriteAsync();
        foreach (var (index, _) in _progress.Value.Active.Where(active => active.Value.Length == 0 && _starting.Add(active.Key)))
        {
            StartAsync(index).Ignore();
        }
    }

    private async Task WriteAsync()
    {
        var before = _progress.Value;
        var next = Filled(_changes.Aggregate(before, static (now, change) => change(now)));
        _changes.Clear();
        if (next == before)
        {
            return;
        }

        try
        {
            await _progress.SetAsync(next);
        }
        catch (InconsistentStateException)
        {
            DeactivateOnIdle();
            throw;
        }

        if (!UnderWay)
        {
            LogEnded(Id, next.Succeeded, next.Failed);
            await StepAsync();
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
