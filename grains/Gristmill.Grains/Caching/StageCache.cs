using System.Globalization;
using Gristmill.Grains.Objects;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Caching;

/// <summary>
/// Looks earlier results up and stores new ones. Nothing here fails a stage: whatever goes wrong, the stage is executed.
/// Two stages of one key at once are both executed; the entry of the one that ends last stays, and either is right.
/// </summary>
internal sealed partial class StageCache(
    IStageFingerprints fingerprints, IStageExecutor executor, IGrainFactory grains, StageCacheOptions options, TimeProvider time, ILogger<StageCache> logger)
{
    private readonly ILogger<StageCache> _logger = logger;

    /// <summary>Whether an operation is looked up at all: what does nothing costs less than a lookup, and what the control plane does is an effect.</summary>
    public static bool Covers(string operation) => operation != StageOperations.NoOp && !operation.StartsWith("control.", StringComparison.Ordinal);

    /// <summary>What there is for an attempt. Not to be called in a grain's turn: it reads files.</summary>
    public async Task<(StageCacheRecord Record, StageResult? Result)> FindAsync(StageRequest request, StageStart start, CancellationToken cancellationToken)
    {
        try
        {
            var fingerprint = fingerprints.Compute(request, cancellationToken);
            var (record, result) = Refusal(fingerprint, start) is { } refused ? (refused, null) : await LookUpAsync(fingerprint, start);
            StageCacheMetrics.Count(record.Outcome, request.Operation);
            return (record, result);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogNotFound(request.RunId, request.Stage, e);
            return (new StageCacheRecord { Outcome = CacheOutcome.Uncacheable, Reason = $"the cache could not be asked: {e.Message}" }, null);
        }
    }

    /// <summary>Stores the committed result of a stage that was executed.</summary>
    public async Task StoreAsync(StageCacheRecord record, StageOrigin origin, StageResult result)
    {
        if (record is not { Outcome: CacheOutcome.Miss, Fingerprint.Key: { } key } || result.Outputs.IsEmpty
            // Large values stay with their stage: they go in no message.
            || result.Outputs.Values.Any(static output => output.Value is { Bytes: > ValueRef.InlineBytes }))
        {
            return;
        }

        try
        {
            await Shard(key).PutAsync(new CachedStage { Key = key, Origin = origin, Computed = time.GetUtcNow(), Outputs = result.Outputs, Usage = result.Usage });
        }
        catch (Exception e)
        {
            LogNotStored(origin.Run, origin.Stage, e);
        }
    }

    /// <summary>Why a stage may give another result when it is executed again, or null if it is known not to.</summary>
    /// <param name="spec">The stage.</param>
    /// <param name="fingerprint">What its result depended on; null: it is not known.</param>
    public static string? Doubt(StageSpec spec, StageFingerprint? fingerprint) => spec.Cache?.Policy switch
    {
        CachePolicy.Off => "its cache is switched off",
        _ when fingerprint?.Key is null => fingerprint?.Refusal ?? "it is not known what its result depends on",
        CachePolicy.On => null,
        _ => spec.Options.Contains("$secret", StringComparison.Ordinal) ? "it is given a secret" : fingerprint.Doubt,
    };

    private StageCacheRecord? Refusal(StageFingerprint fingerprint, StageStart start)
    {
        var policy = start.Spec.Cache?.Policy ?? CachePolicy.Auto;
        return !executor.IsFaithful ? Record(CacheOutcome.Off, "this server puts other things in the place of stages")
            : !options.Enabled ? Record(CacheOutcome.Off, "it is switched off for this server")
            : start.NoCache ? Record(CacheOutcome.Off, "it was switched off for the run")
            : policy == CachePolicy.Off ? Record(CacheOutcome.Off, "it is switched off for the stage")
            : start.Exit is not null ? Record(CacheOutcome.Uncacheable, "it runs at the run's exit")
            : policy != CachePolicy.On && start.Options.Contains("$secret", StringComparison.Ordinal) ? Record(CacheOutcome.Uncacheable, "it is given a secret")
            : fingerprint.Key is null ? Record(CacheOutcome.Uncacheable, fingerprint.Refusal)
            : fingerprint.Doubt is { } doubt && policy != CachePolicy.On ? Record(CacheOutcome.Uncacheable, doubt)
            : null;

        StageCacheRecord Record(CacheOutcome outcome, string? reason) => new() { Outcome = outcome, Reason = reason, Fingerprint = fingerprint };
    }

    private async Task<(StageCacheRecord Record, StageResult? Result)> LookUpAsync(StageFingerprint fingerprint, StageStart start)
    {
        var shard = Shard(fingerprint.Key!);
        if (await shard.FindAsync(fingerprint.Key!) is not { } entry)
        {
            return (Miss("nothing has been computed from the same yet, or it has been evicted"), null);
        }

        if (start.Spec.Cache?.MaxStaleness is { } most && time.GetUtcNow() - entry.Computed is var age && age > most)
        {
            return (Miss(string.Create(CultureInfo.InvariantCulture, $"what run {entry.Origin.Run} computed is {age:c} old, and at most {most:c} is allowed")), null);
        }

        foreach (var (name, output) in entry.Outputs)
        {
            if (!await fingerprints.HoldsAsync(grains, output))
            {
                await shard.RemoveAsync(entry.Key, entry.Origin);
                return (Miss($"the output '{name}' that run {entry.Origin.Run} computed has been evicted"), null);
            }
        }

        var usage = entry.Usage is { } was ? new StageUsage { Rows = was.Rows, BytesOut = was.BytesOut } : new StageUsage();
        return (
            new StageCacheRecord { Outcome = CacheOutcome.Hit, Fingerprint = fingerprint, Origin = entry.Origin, Computed = entry.Computed },
            new StageResult { Outputs = entry.Outputs, Usage = usage });

        StageCacheRecord Miss(string reason) => new() { Outcome = CacheOutcome.Miss, Reason = reason, Fingerprint = fingerprint };
    }

    private IStageCacheGrain Shard(string key) => grains.GetGrain<IStageCacheGrain>(StageCacheShards.Of(key));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run}, stage {Stage}: the result cache could not be asked")]
    private partial void LogNotFound(string run, string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run}, stage {Stage}: its result could not be put into the cache")]
    private partial void LogNotStored(string run, string stage, Exception exception);
}
