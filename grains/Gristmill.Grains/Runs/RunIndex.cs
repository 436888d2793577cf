using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Runs;

/// <summary>
/// Shows runs in the index that they are searched by. Grains decide and remember; the index follows, is put right by the run's reminder if it missed the end,
/// and can be made anew from the grains.
/// </summary>
internal sealed partial class RunIndex(ITrackingStore? store, TimeProvider time, ILogger<RunIndex> logger)
{
    private readonly ILogger<RunIndex> _logger = logger;

    /// <summary>Shows how a run stands, and does not wait for it. What is lost here comes with the next change.</summary>
    public void Show(RunProjection run)
    {
        if (store is not null)
        {
            _ = TryPutAsync(run);
        }
    }

    /// <summary>Shows how a run ended.</summary>
    /// <returns>Whether that is durable.</returns>
    public async Task<bool> ShowEndAsync(RunProjection run)
    {
        if (store is null)
        {
            return true;
        }

        const int tries = 5;
        for (var attempt = 1; attempt <= tries; attempt++)
        {
            if (await TryPutAsync(run))
            {
                return true;
            }

            await Task.Delay(Retry.Delay(attempt), time);
        }

        return false;
    }

    /// <summary>Sets the tags that a run is started with.</summary>
    public Task TagAsync(string run, ImmutableDictionary<string, string>? tags) => store is null || tags is null or { IsEmpty: true }
        ? Task.CompletedTask
        : store.SetTagsAsync(run, tags.ToDictionary(static tag => tag.Key, static tag => (string?)tag.Value, StringComparer.Ordinal));

    /// <summary>Takes a run out, with what it logged; completes when that is durable.</summary>
    public Task RemoveAsync(string run) => store is null ? Task.CompletedTask : Retry.TransientAsync(() => store.RemoveRunAsync(run), time);

    /// <summary>The metrics that a stage gave as outputs; null where there are none.</summary>
    public static StageMetrics? Metrics(StageView stage)
    {
        if (stage.Status != StageStatus.Succeeded || !stage.Outputs.Values.Any(static output => output.Metrics is { IsEmpty: false }))
        {
            return null;
        }

        var values = ImmutableDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        foreach (var (name, value) in stage.Outputs.Values.SelectMany(static output => output.Metrics ?? []))
        {
            if (name.Length is > 0 and <= TrackRules.MaxName)
            {
                values[name] = value;
            }
        }

        return new StageMetrics(stage.Name, stage.Attempts, stage.Ended ?? default, values.ToImmutable());
    }

    /// <summary>Parameters as people write them: texts without quotes, anything else as JSON.</summary>
    public static ImmutableDictionary<string, string> Plain(ImmutableDictionary<string, string> literals) => literals.ToImmutableDictionary(
        static pair => pair.Key,
        static pair => pair.Value.StartsWith('"') ? JsonSerializer.Deserialize<string>(pair.Value)! : pair.Value,
        StringComparer.Ordinal);

    private async Task<bool> TryPutAsync(RunProjection run)
    {
        try
        {
            await store!.PutRunAsync(run);
            return true;
        }
        catch (Exception e)
        {
            LogNotShown(run.Run.Id, e);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The index could not take in run {Run}")]
    private partial void LogNotShown(string run, Exception exception);
}
