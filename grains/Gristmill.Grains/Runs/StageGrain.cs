using System.Collections.Immutable;
using Gristmill.Grains.Clocks;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;
using Orleans.Placement;
using Orleans.Storage;

namespace Gristmill.Grains.Runs;

/// <inheritdoc cref="IStageGrain"/>
/// <remarks>
/// "Running, attempt n, epoch e" is stored before the executor hears of it, and outputs are stored before the run hears of
/// them. An activation that finds a stage running starts the next attempt under a new epoch: the old execution died with
/// its silo, or its result will be refused, by the epoch here or by the state's ETag in the store. A stage that its run
/// carries (see <see cref="CarriedStage"/>) is the grain's to show, until the run hands it over or has to be recovered.
/// </remarks>
[GrainType("gristmill.stage"), RandomPlacement]
internal sealed partial class StageGrain(
    [PersistentState(CarriedStage.StateName, StorageNames.Gristmill)] IPersistentState<StageState> state,
    StageExecution execution,
    IStageFiles files,
    TimeProvider time,
    ILogger<StageGrain> logger) : Grain, IStageGrain, IStageControlGrain
{
    private const int CommitTries = 6;
    private const int MostLogs = 20;

    private readonly ILogger<StageGrain> _logger = logger;
    private readonly Durable<StageState> _state = new(state);
    private readonly TurnLock _transition = new();
    private ImmutableArray<StageLogRef> _logs = [];
    private StageAttempt? _attempt;
    private IGrainTimer? _retry;
    private ErrorInfo? _lastError;
    private bool _cancelled;
    private bool _leaving;

    private string Key => this.GetPrimaryKeyString();

    private string RunId => Key[..Key.IndexOf('/', StringComparison.Ordinal)];

    private string Name => Key[(Key.IndexOf('/', StringComparison.Ordinal) + 1)..];

    private StageOrigin Origin => new(RunId, Name);

    /// <summary>Whether an activation of the run carried it that does not any more: one that does not execute the stage itself asks for it, so nobody does.</summary>
    private bool IsNobodys => _state.Value is { Status: StageStatus.Running, Carried: true } && _attempt is null && _retry is null;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _logs = _state.Value.Logs;
        if (_state.Value is { Status: StageStatus.Running, Carried: false })
        {
            await GoOnAsync();
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_attempt is null && _retry is null)
        {
            return;
        }

        _leaving = true;
        _attempt?.Cancel();
        if (!_transition.TryEnter())
        {
            return;
        }

        try
        {
            // Not the stage's fault: this attempt does not count against its limit.
            if (_state.Value.Status == StageStatus.Running)
            {
                await _state.SetAsync(_state.Value with { Interruptions = _state.Value.Interruptions + 1 });
            }
        }
        catch (Exception e)
        {
            LogInterruptionNotStored(Key, e);
        }
        finally
        {
            _transition.Leave();
        }
    }

    public async Task StartAsync(StageStart start)
    {
        ArgumentNullException.ThrowIfNull(start);
        await _transition.EnterAsync();
        try
        {
            switch (_state.Value.Status)
            {
                case StageStatus.Pending:
                    await BeginAttemptAsync(start);
                    break;
                case StageStatus.Running when IsNobodys:
                    // An activation of the run that is gone had carried it when this one asked how it stands, or was about to.
                    await GoOnAsync();
                    break;
                case StageStatus.Running:
                    break;
                default:
                    TellRun();
                    break;
            }
        }
        finally
        {
            _transition.Leave();
        }
    }

    public async Task TakeOverAsync(CarriedEnd end)
    {
        ArgumentNullException.ThrowIfNull(end);
        await FreshAsync();
        await TransitAsync(end.Epoch, async () =>
        {
            if (_state.Value.Carried && _retry is null)
            {
                _cancelled |= end.Cancelled;
                _logs = end.Logs;
                await FailAsync(end.Error, end.Cache);
            }
        });
    }

    public async Task<string?> ReadValueAsync(string output, int offset)
    {
        await FreshAsync();
        return StageValues.Slice(_state.Value.Outputs.GetValueOrDefault(output), offset);
    }

    public async Task<StageView?> GetAsync()
    {
        await FreshAsync();
        return _state.Value.Status == StageStatus.Pending ? null : View();
    }

    public async Task<StageView?> RestoreAsync(int retry, bool lost)
    {
        await FreshAsync();
        await _transition.EnterAsync();
        try
        {
            var known = _state.Value;
            if (IsNobodys)
            {
                await GoOnAsync();
            }
            else if (known.Retry < retry && known.IsFinal && (known.Status != StageStatus.Succeeded || lost))
            {
                // The epoch and the attempts count on, so that nothing of before is taken for something of now.
                await _state.SetAsync(new StageState
                {
                    Operation = known.Operation,
                    Attempt = known.Attempt,
                    Interruptions = known.Attempt,
                    Epoch = known.Epoch,
                    Retry = retry,
                    Logs = _logs,
                });
                _cancelled = false;
                _lastError = null;
            }
        }
        finally
        {
            _transition.Leave();
        }

        return await GetAsync();
    }

    public async Task<LogPage?> ReadLogAsync(int attempt, long offset, int limit)
    {
        await FreshAsync();
        attempt = attempt <= 0 ? _state.Value.Attempt : attempt;
        var kept = _logs.FirstOrDefault(log => log.Attempt == attempt);
        var origin = Origin;
        var page = await Task.Run(() => files.ReadLog(origin, attempt, kept, offset, Math.Clamp(limit, 4, StageLogLimits.MaxPageBytes)));
        return page is null && !files.AreShared && _state.Value is { Status: StageStatus.Running, Carried: true } running && running.Attempt == attempt
            ? throw new GristmillException(ErrorCodes.NotFound, $"What stage '{Name}' prints lies with the silo that executes it, which shares no folder with this one.",
                "Read it when the stage is over, or give all silos one Gristmill:ContentDirectory: then each reads what any of them keeps.")
            : page;
    }

    public async Task<StageCacheRecord?> GetCacheAsync()
    {
        await FreshAsync();
        return _state.Value.Cache;
    }

    public async Task RemoveAsync()
    {
        // Its run has ended: an attempt that is still there is nobody's, and brings nothing any more.
        _leaving = true;
        _attempt?.Cancel();
        StopRetry();
        await FreshAsync();
        await _transition.EnterAsync();
        try
        {
            var (origin, attempts, logs) = (Origin, _state.Value.Attempt, _logs);
            await Task.Run(() => files.Remove(origin, attempts, logs));
            if (state.RecordExists)
            {
                await _state.ClearAsync();
            }

            _logs = [];
        }
        finally
        {
            _transition.Leave();
            // What could not be removed is left to an activation that sees how it stands.
            DelayDeactivation(TimeSpan.FromSeconds(-1));
            DeactivateOnIdle();
        }
    }

    public async Task CancelAsync()
    {
        _cancelled = true;
        _attempt?.Cancel();
        if (_retry is not null && _attempt is null)
        {
            StopRetry();
            await TransitAsync(_state.Value.Epoch, () => FinishAsync(_state.Value with { Status = StageStatus.Cancelled, Error = Cancelled() }));
        }
    }

    /// <summary>Stores the next attempt, then starts it.</summary>
    private async Task BeginAttemptAsync(StageStart? start = null)
    {
        await _state.SetAsync(_state.Value with
        {
            Start = start ?? _state.Value.Start,
            Operation = start?.Spec.Operation ?? _state.Value.Operation,
            Status = StageStatus.Running,
            Carried = false,
            Attempt = _state.Value.Attempt + 1,
            Epoch = _state.Value.Epoch + 1,
            Started = _state.Value.Started ?? time.GetUtcNow(),
            Logs = _logs,
        });
        // A stage may run for days without a call: it must not be collected as idle.
        DelayDeactivation(TimeSpan.MaxValue);
        ExecuteAsync().Ignore();
    }

    private async Task ExecuteAsync()
    {
        var running = _state.Value;
        StageOutcome outcome;
        using (var attempt = new StageAttempt(time))
        {
            _attempt = attempt;
            if (_cancelled)
            {
                attempt.Cancel();
            }

            outcome = await execution.RunAsync(Origin, running, attempt, TaskScheduler.Current, p => TellRunAsync(View() with { Progress = p }));
            _attempt = null;
        }

        await KeepLogAsync(running.Attempt, running.Operation);
        await TransitAsync(running.Epoch, () => outcome.Result is not null ? CommitAsync(outcome.Result, outcome.Cache) : FailAsync(outcome.Error!, outcome.Cache));
    }

    /// <summary>Goes on with a stage whose attempt was lost.</summary>
    private async Task GoOnAsync()
    {
        await KeepLogAsync(_state.Value.Attempt, _state.Value.Operation);
        LogLost(Key, _state.Value.Attempt);
        if (MayTryAgain())
        {
            await BeginAttemptAsync();
            TellRun();
        }
        else
        {
            await FinishAsync(_state.Value with
            {
                Status = StageStatus.Failed,
                Error = new ErrorInfo(
                    ErrorCodes.WorkerCrashed,
                    $"Attempt {_state.Value.Attempt} of stage '{Name}' was lost with its silo, and no more attempts are allowed.",
                    "See the silo's log; raise the stage's retry limit if silos are expected to die."),
            });
        }
    }

    /// <summary>While the run carries the stage, what this activation has read may be old.</summary>
    private Task FreshAsync()
    {
        return IsFresh() ? Task.CompletedTask : ReadAsync();

        bool IsFresh() => _state.IsOwn || _state.Value.IsFinal;

        async Task ReadAsync()
        {
            // A start that is being stored meanwhile must not find its ETag read away.
            await _transition.EnterAsync();
            try
            {
                if (!IsFresh())
                {
                    await state.ReadStateAsync();
                    _logs = _state.Value.Logs;
                }
            }
            finally
            {
                _transition.Leave();
            }
        }
    }

    /// <summary>Keeps what an attempt has printed, of the newest attempts; it is stored with the next transition.</summary>
    private async Task KeepLogAsync(int attempt, string operation)
    {
        // What an attempt of a silo that stops has printed is for the next activation to keep: this one stores nothing any more.
        if (!_leaving && await execution.KeepLogAsync(Origin, attempt, operation) is { } log)
        {
            _logs = [.. _logs.Add(log).TakeLast(MostLogs)];
        }
    }

    /// <summary>Runs one transition at a time, and only for the newest epoch.</summary>
    private async Task TransitAsync(long epoch, Func<Task> transition)
    {
        await _transition.EnterAsync();
        try
        {
            if (_leaving || _state.Value.Epoch != epoch || _state.Value.Status != StageStatus.Running)
            {
                LogRefused(Key, epoch, _state.Value.Epoch);
                return;
            }

            await transition();
        }
        catch (InconsistentStateException e)
        {
            // Another activation of this stage wrote: it has a newer epoch, and this result is refused.
            LogFenced(Key, epoch, e);
            _leaving = true;
            DeactivateOnIdle();
        }
        finally
        {
            _transition.Leave();
        }
    }

    private Task CommitAsync(StageResult result, StageCacheRecord? cached) => FinishAsync(
        _state.Value with
        {
            Status = StageStatus.Succeeded,
            Outputs = result.Outputs,
            Usage = result.Usage,
            Error = null,
            Cache = cached,
        },
        stored: () => execution.CommittedAsync(Origin, result, cached));

    private async Task FailAsync(ErrorInfo error, StageCacheRecord? cached)
    {
        if (_cancelled)
        {
            await FinishAsync(_state.Value with { Status = StageStatus.Cancelled, Error = Cancelled() });
            return;
        }

        var policy = _state.Value.Start!.Spec.Retry;
        if (!RetryDecision.Retries(policy, error) || !MayTryAgain())
        {
            await FinishAsync(_state.Value with { Status = StageStatus.Failed, Error = error, Cache = cached });
            return;
        }

        var backoff = RetryDecision.Backoff(policy, _state.Value.Attempt, Random.Shared.NextDouble());
        LogRetry(Key, _state.Value.Attempt, error.Code, error.Message, backoff);
        _lastError = error;
        var epoch = _state.Value.Epoch;
        _retry = this.RegisterGrainTimer(
            _ =>
            {
                StopRetry();
                return TransitAsync(epoch, TryAgainAsync);
            },
            new GrainTimerCreationOptions(backoff, Timeout.InfiniteTimeSpan) { Interleave = true, KeepAlive = true });
        TellRun();
    }

    private async Task TryAgainAsync()
    {
        try
        {
            await BeginAttemptAsync();
            TellRun();
        }
        catch (GristmillException e)
        {
            await FinishAsync(_state.Value with { Status = StageStatus.Failed, Error = e.Error });
        }
    }

    /// <summary>Stores the end and then tells the run. If the store keeps refusing, the stage has failed for that reason.</summary>
    private async Task FinishAsync(StageState end, Func<Task>? stored = null)
    {
        end = end with { Start = null, Ended = time.GetUtcNow(end.Started), Logs = _logs };
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _state.SetAsync(end);
                await (stored?.Invoke() ?? Task.CompletedTask);
                break;
            }
            catch (Exception e) when (e is not InconsistentStateException)
            {
                LogNotStored(Key, attempt, e);
                if (attempt == CommitTries)
                {
                    // In memory only: the store still says "running", so a new activation would try again.
                    _state.Show(end with { Status = StageStatus.Failed, Outputs = end.Outputs.Clear(), Usage = null, Error = GristmillException.Describe(e) });
                    break;
                }

                await Task.Delay(Retry.Delay(attempt), time);
            }
        }

        DelayDeactivation(TimeSpan.FromSeconds(-1));
        LogEnded(Key, _state.Value.Status, _state.Value.Attempt, _state.Value.Error?.Code);
        TellRun();
    }

    private bool MayTryAgain() => _state.Value.Attempt - _state.Value.Interruptions < _state.Value.Start!.Spec.Retry.MaxAttempts;

    private void StopRetry()
    {
        _retry?.Dispose();
        _retry = null;
    }

    private void TellRun() => TellRunAsync(View()).Ignore();

    private async Task TellRunAsync(StageView view)
    {
        try
        {
            // Calling the run brings it back to life if its silo died: repeating the call is the recovery.
            await Retry.TransientAsync(() => GrainFactory.GetGrain<IRunGrain>(RunId).OnStageChangedAsync(view), time);
        }
        catch (Exception e)
        {
            LogRunNotTold(Key, e);
        }
    }

    private static ErrorInfo Cancelled() => new(ErrorCodes.Cancelled, "The run was cancelled.");

    private StageView View() => _state.Value.View(Name) is { Status: StageStatus.Running, Error: null } view && _lastError is not null ? view with { Error = _lastError } : _state.Value.View(Name);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Stage {Stage} ended: {Status} after {Attempts} attempts {Code}")]
    private partial void LogEnded(string stage, StageStatus status, int attempts, string? code);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: attempt {Attempt} was lost with its silo")]
    private partial void LogLost(string stage, int attempt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: attempt {Attempt} failed ({Code}: {Error}); next in {Backoff}")]
    private partial void LogRetry(string stage, int attempt, string code, string error, TimeSpan backoff);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stage {Stage}: what epoch {Epoch} brought is refused, the stage is at epoch {Newest}")]
    private partial void LogRefused(string stage, long epoch, long newest);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: what epoch {Epoch} brought is refused, another activation took over")]
    private partial void LogFenced(string stage, long epoch, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Stage {Stage}: its end could not be stored, try {Attempt}")]
    private partial void LogNotStored(string stage, int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: the interruption could not be stored")]
    private partial void LogInterruptionNotStored(string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: its run could not be told")]
    private partial void LogRunNotTold(string stage, Exception exception);
}
