using System.Collections.Immutable;
using Gristmill.Grains.Caching;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;
using Orleans.Placement;
using Orleans.Storage;

namespace Gristmill.Grains.Runs;

/// <inheritdoc cref="IStageGrain"/>
/// <remarks>
/// "Running, attempt n, epoch e" is stored before the executor hears of it, and outputs are stored before the run hears of
/// them. An activation that finds a stage running starts the next attempt under a new epoch: the old execution died with
/// its silo, or its result will be refused, by the epoch here or by the state's ETag in the store.
/// </remarks>
[GrainType("gristmill.stage"), RandomPlacement]
internal sealed partial class StageGrain(
    [PersistentState("stage", StorageNames.Gristmill)] IPersistentState<StageState> state,
    IStageExecutor executor,
    StageCache cache,
    IStageFiles files,
    ISecretStore secrets,
    TimeProvider time,
    ILogger<StageGrain> logger) : Grain, IStageGrain
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

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _logs = _state.Value.Logs;
        if (_state.Value.Status != StageStatus.Running)
        {
            return;
        }

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

    public Task<string?> ReadValueAsync(string output, int offset) =>
        Task.FromResult(StageValues.Slice(_state.Value.Outputs.GetValueOrDefault(output), offset));

    public Task<StageView?> GetAsync() => Task.FromResult(_state.Value.Status == StageStatus.Pending ? null : View());

    public async Task<StageView?> RestoreAsync(int retry, bool lost)
    {
        await _transition.EnterAsync();
        try
        {
            var known = _state.Value;
            if (known.Retry < retry && known.IsFinal && (known.Status != StageStatus.Succeeded || lost))
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
        attempt = attempt <= 0 ? _state.Value.Attempt : attempt;
        var kept = _logs.FirstOrDefault(log => log.Attempt == attempt);
        var origin = new StageOrigin(RunId, Name);
        return await Task.Run(() => files.ReadLog(origin, attempt, kept, offset, Math.Clamp(limit, 4, StageLogLimits.MaxPageBytes)));
    }

    public Task<StageCacheRecord?> GetCacheAsync() => Task.FromResult(_state.Value.Cache);

    public async Task RemoveAsync()
    {
        // Its run has ended: an attempt that is still there is nobody's, and brings nothing any more.
        _leaving = true;
        _attempt?.Cancel();
        StopRetry();
        await _transition.EnterAsync();
        try
        {
            var (origin, attempts, logs) = (new StageOrigin(RunId, Name), _state.Value.Attempt, _logs);
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
            Attempt = _state.Value.Attempt + 1,
            Epoch = _state.Value.Epoch + 1,
            Started = _state.Value.Started ?? time.GetUtcNow(),
            Logs = _logs,
        });
        // A stage may run for days without a call: it must not be collected as idle.
        DelayDeactivation(TimeSpan.MaxValue);
        ExecuteAsync(_state.Value.Start!, _state.Value.Epoch).Ignore();
    }

    private async Task ExecuteAsync(StageStart start, long epoch)
    {
        var request = new StageRequest
        {
            RunId = RunId,
            Stage = Name,
            Attempt = _state.Value.Attempt,
            Epoch = epoch,
            Operation = start.Spec.Operation,
            Options = start.Options,
            Inputs = start.Inputs,
            Code = start.Code,
            Limits = start.Spec.Limits,
            Resources = start.Spec.Resources,
            TraceParent = start.TraceParent,
            Exit = start.Exit,
        };
        LogAttempt(Key, request.Attempt, epoch, request.Operation);
        StageResult? result = null;
        StageCacheRecord? cached = null;
        ErrorInfo? error = null;
        var redactor = SecretRedactor.None;
        using (var attempt = new StageAttempt(time))
        {
            _attempt = attempt;
            if (_cancelled)
            {
                attempt.Cancel();
            }

            var progress = new ProgressRelay(time, p => TellRunAsync(View() with { Progress = redactor.Redact(p) }));
            try
            {
                request = request with
                {
                    Inputs = await new StageInputs(GrainFactory, RunId, time).FetchAsync(request.Inputs),
                    Secrets = await StageSecrets.FindAsync(Name, request.Options, secrets, CancellationToken.None),
                };
                redactor = SecretRedactor.Of(request.Secrets.Values);
                result = request.Operation == StageOperations.Register
                    ? await ModelRegistration.RunAsync(request, GrainFactory)
                    : await attempt.RunAsync(async token =>
                    {
                        if (StageCache.Covers(request.Operation))
                        {
                            (cached, var earlier) = await cache.FindAsync(request, start, token);
                            if (earlier is not null)
                            {
                                return earlier;
                            }
                        }

                        return await executor.ExecuteAsync(request, progress, token);
                    });
            }
            catch (Exception e)
            {
                error = redactor.Redact(GristmillException.Describe(e));
                // An exception of an attempt that knew secrets may show them.
                if (error.Code == ErrorCodes.Internal && request.Secrets.IsEmpty)
                {
                    LogFailedOddly(Key, e);
                }
            }
            finally
            {
                progress.Stop();
                _attempt = null;
            }
        }

        await KeepLogAsync(request.Attempt, request.Operation);
        await TransitAsync(epoch, () => result is not null ? CommitAsync(result, cached) : FailAsync(error!, cached));
    }

    /// <summary>Keeps what an attempt has printed, of the newest attempts; it is stored with the next transition.</summary>
    private async Task KeepLogAsync(int attempt, string operation)
    {
        // What an attempt of a silo that stops has printed is for the next activation to keep: this one stores nothing any more.
        if (_leaving || !StageCache.Covers(operation))
        {
            return;
        }

        try
        {
            var origin = new StageOrigin(RunId, Name);
            if (await Task.Run(() => files.KeepLog(origin, attempt)) is { } log)
            {
                _logs = [.. _logs.Add(log).TakeLast(MostLogs)];
            }
        }
        catch (Exception e)
        {
            LogLogNotKept(Key, attempt, e);
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
        // Before the run hears of it, so that whoever sees the run's end finds its results.
        stored: () => CommittedAsync(result, cached));

    private async Task CommittedAsync(StageResult result, StageCacheRecord? cached)
    {
        if (cached is null)
        {
            return;
        }

        var origin = new StageOrigin(RunId, Name);
        await cache.StoreAsync(cached, origin, result);
        try
        {
            await Task.Run(() => files.RemoveCheckpoints(origin));
        }
        catch (Exception e)
        {
            LogCheckpointNotRemoved(Key, e);
        }
    }

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
        end = end with { Start = null, Ended = time.GetUtcNow(), Logs = _logs };
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

    private StageView View() => new()
    {
        Name = Name,
        Operation = _state.Value.Operation,
        Status = _state.Value.Status,
        Attempts = _state.Value.Attempt,
        Outputs = StageValues.Travelling(Name, _state.Value.Outputs),
        Usage = _state.Value.Usage,
        Error = _state.Value.Error ?? (_state.Value.Status == StageStatus.Running ? _lastError : null),
        Started = _state.Value.Started,
        Ended = _state.Value.Ended,
        CachedFrom = _state.Value.Cache?.Origin,
    };

    [LoggerMessage(Level = LogLevel.Debug, Message = "Stage {Stage}: attempt {Attempt}, epoch {Epoch}, of {Operation}")]
    private partial void LogAttempt(string stage, int attempt, long epoch, string operation);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Stage {Stage} ended: {Status} after {Attempts} attempts {Code}")]
    private partial void LogEnded(string stage, StageStatus status, int attempts, string? code);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: attempt {Attempt} was lost with its silo")]
    private partial void LogLost(string stage, int attempt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: attempt {Attempt} failed ({Code}: {Error}); next in {Backoff}")]
    private partial void LogRetry(string stage, int attempt, string code, string error, TimeSpan backoff);

    [LoggerMessage(Level = LogLevel.Error, Message = "Stage {Stage} failed in an unforeseen way")]
    private partial void LogFailedOddly(string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stage {Stage}: what epoch {Epoch} brought is refused, the stage is at epoch {Newest}")]
    private partial void LogRefused(string stage, long epoch, long newest);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: what epoch {Epoch} brought is refused, another activation took over")]
    private partial void LogFenced(string stage, long epoch, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Stage {Stage}: its end could not be stored, try {Attempt}")]
    private partial void LogNotStored(string stage, int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: what attempt {Attempt} printed could not be kept")]
    private partial void LogLogNotKept(string stage, int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: its checkpoints could not be removed")]
    private partial void LogCheckpointNotRemoved(string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: the interruption could not be stored")]
    private partial void LogInterruptionNotStored(string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Stage}: its run could not be told")]
    private partial void LogRunNotTold(string stage, Exception exception);
}
