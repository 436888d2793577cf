using Gristmill.Grains.Caching;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Runs;

/// <summary>Executes attempts of stages that their owner has stored as running, and keeps what goes with a result. It stores no state.</summary>
internal sealed partial class StageExecution(
    IGrainFactory grains, IStageExecutor executor, StageCache cache, IStageFiles files, ISecretStore secrets, TimeProvider time, ILogger<StageExecution> logger)
{
    private readonly ILogger<StageExecution> _logger = logger;

    /// <summary>Executes an attempt, or takes an earlier result over; whatever goes wrong is in the outcome. It may be called in a grain's turn; goes on elsewhere.</summary>
    /// <param name="origin">The stage.</param>
    /// <param name="state">Its state, which is stored.</param>
    /// <param name="attempt">Cancels it.</param>
    /// <param name="turns">The turns of the grain that owns it.</param>
    /// <param name="report">Takes its progress, in those turns; not called any more once this returns.</param>
    public async Task<StageOutcome> RunAsync(StageOrigin origin, StageState state, StageAttempt attempt, TaskScheduler turns, Func<StageProgress, Task> report)
    {
        var start = state.Start!;
        var request = new StageRequest
        {
            RunId = origin.Run,
            Stage = origin.Stage,
            Attempt = state.Attempt,
            Epoch = state.Epoch,
            Operation = start.Spec.Operation,
            Options = start.Options,
            Inputs = start.Inputs,
            Code = start.Code,
            Limits = start.Spec.Limits,
            Resources = start.Spec.Resources,
            TraceParent = start.TraceParent,
            Exit = start.Exit,
        };
        LogAttempt(origin.Run, origin.Stage, request.Attempt, request.Epoch, request.Operation);
        StageCacheRecord? cached = null;
        var redactor = SecretRedactor.None;
        var progress = new ProgressRelay(time, turns, p => report(redactor.Redact(p)));
        try
        {
            request = request with
            {
                Inputs = await new StageInputs(grains, origin.Run, time).FetchAsync(request.Inputs).ConfigureAwait(false),
                Secrets = await StageSecrets.FindAsync(origin.Stage, request.Options, secrets, CancellationToken.None).ConfigureAwait(false),
            };
            redactor = SecretRedactor.Of(request.Secrets.Values);
            var result = request.Operation == StageOperations.Register
                ? await ModelRegistration.RunAsync(request, grains).ConfigureAwait(false)
                : await attempt.RunAsync(ExecuteAsync, off: StageCache.Covers(request.Operation)).ConfigureAwait(false);
            return new StageOutcome(result, null, cached);
        }
        catch (Exception e)
        {
            var error = redactor.Redact(GristmillException.Describe(e));
            // An exception of an attempt that knew secrets may show them.
            if (error.Code == ErrorCodes.Internal && request.Secrets.IsEmpty)
            {
                LogFailedOddly(origin.Run, origin.Stage, e);
            }

            return new StageOutcome(null, error, cached);
        }
        finally
        {
            progress.Stop();
        }

        async Task<StageResult> ExecuteAsync(CancellationToken token)
        {
            if (StageCache.Covers(request.Operation))
            {
                (cached, var earlier) = await cache.FindAsync(request, start, token).ConfigureAwait(false);
                if (earlier is not null)
                {
                    return earlier;
                }
            }

            return await executor.ExecuteAsync(request, progress, token).ConfigureAwait(false);
        }
    }

    /// <summary>Keeps what an attempt has printed; null if it printed nothing, or that cannot be kept.</summary>
    public async Task<StageLogRef?> KeepLogAsync(StageOrigin origin, int attempt, string operation)
    {
        if (!StageCache.Covers(operation))
        {
            return null;
        }

        try
        {
            return await Task.Run(() => files.KeepLog(origin, attempt));
        }
        catch (Exception e)
        {
            LogLogNotKept(origin.Run, origin.Stage, attempt, e);
            return null;
        }
    }

    /// <summary>Does what follows from a result that is stored. To be called before the run goes on, so that whoever sees its end finds its results.</summary>
    public async Task CommittedAsync(StageOrigin origin, StageResult result, StageCacheRecord? cached)
    {
        if (cached is null)
        {
            return;
        }

        await cache.StoreAsync(cached, origin, result);
        try
        {
            await Task.Run(() => files.RemoveCheckpoints(origin));
        }
        catch (Exception e)
        {
            LogCheckpointNotRemoved(origin.Run, origin.Stage, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Stage {Run}/{Stage}: attempt {Attempt}, epoch {Epoch}, of {Operation}")]
    private partial void LogAttempt(string run, string stage, int attempt, long epoch, string operation);

    [LoggerMessage(Level = LogLevel.Error, Message = "Stage {Run}/{Stage} failed in an unforeseen way")]
    private partial void LogFailedOddly(string run, string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Run}/{Stage}: what attempt {Attempt} printed could not be kept")]
    private partial void LogLogNotKept(string run, string stage, int attempt, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stage {Run}/{Stage}: its checkpoints could not be removed")]
    private partial void LogCheckpointNotRemoved(string run, string stage, Exception exception);
}

/// <summary>How an attempt ended: with a result or with an error, and what the cache had to do with it.</summary>
internal readonly record struct StageOutcome(StageResult? Result, ErrorInfo? Error, StageCacheRecord? Cache);
