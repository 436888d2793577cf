using System.Collections.Immutable;
using System.Globalization;

namespace Gristmill.Hosting;

/// <summary>Puts runs side by side: what they were given, what they depended on, what they took and what came out.</summary>
internal static class RunComparer
{
    /// <summary>What stages depend on is asked for stage by stage: up to so many of all runs.</summary>
    private const int MostStagesAsked = 2000;
    private const int AtOnce = 32;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: fewer than two runs, too many, or one twice; <see cref="ErrorCodes.NotFound"/>.</exception>
    public static async Task<ComparedRuns> CompareAsync(IGrainFactory grains, IReadOnlyList<string> ids)
    {
        if (ids.Count is < 2 or > ComparedRuns.MaxRuns || ids.Distinct(StringComparer.Ordinal).Count() < ids.Count)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{ids.Count} runs are to be compared.", $"Name 2 to {ComparedRuns.MaxRuns} runs, each once.");
        }

        var runs = await Task.WhenAll(ids.Select(async id => await grains.GetGrain<IRunGrain>(id).GetWholeAsync()
            ?? throw new GristmillException(ErrorCodes.NotFound, $"There is no run '{id}'.", "'mill runs' lists those there are.")));
        var rows = new List<ComparisonRow>();
        Add(rows, "run", runs, static run => Facts(run));
        Add(rows, "parameter", runs, static run => run.Parameters);
        Add(rows, "metric", runs, static run => run.Stages.SelectMany(static stage => stage.Outputs.Values.SelectMany(static output => output.Metrics ?? ImmutableDictionary<string, double>.Empty)
            .DistinctBy(static metric => metric.Key)
            .Select(metric => KeyValuePair.Create($"{stage.Name}/{metric.Key}", metric.Value.ToString("R", CultureInfo.InvariantCulture)))));
        Add(rows, "seconds", runs, static run => run.Stages.Where(static stage => stage is { Started: not null, Ended: not null })
            .Select(static stage => KeyValuePair.Create(stage.Name, Seconds(stage.Ended!.Value - stage.Started!.Value) + (stage.CachedFrom is null ? "" : " cached"))));
        var parts = runs.Sum(static run => run.Stages.Length) <= MostStagesAsked ? await PartsAsync(grains, runs) : [];
        Add(rows, "depends", runs, run => parts.GetValueOrDefault(run.Id) ?? []);
        Add(rows, "package", runs, static run => run.Environment?.Packages ?? ImmutableDictionary<string, string>.Empty);
        return new ComparedRuns { Runs = [.. ids], Rows = [.. rows] };
    }

    private static IEnumerable<KeyValuePair<string, string>> Facts(RunView run)
    {
        yield return new("pipeline", run.Pipeline);
        yield return new("version", run.PipelineVersion);
        yield return new("status", run.Status.ToString().ToLowerInvariant());
        yield return new("created", run.Created.ToString("O", CultureInfo.InvariantCulture));
        if (run.Ended is { } ended)
        {
            yield return new("seconds", Seconds(ended - (run.Started ?? run.Created)));
        }

        yield return new("cached stages", run.CacheHits.ToString(CultureInfo.InvariantCulture));
        if (run.Environment is { } environment)
        {
            yield return new("host", environment.Host);
            yield return new("platform", environment.Platform);
            yield return new("runtime", environment.Runtime);
        }
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static async Task<Dictionary<string, List<KeyValuePair<string, string>>>> PartsAsync(IGrainFactory grains, RunView[] runs)
    {
        var parts = runs.ToDictionary(static run => run.Id, static _ => new List<KeyValuePair<string, string>>(), StringComparer.Ordinal);
        foreach (var some in runs.SelectMany(static run => run.Stages.Select(stage => (Run: run.Id, Stage: stage.Name))).Chunk(AtOnce))
        {
            var records = await Task.WhenAll(some.Select(async of => (Of: of, Record: await grains.GetGrain<IStageGrain>($"{of.Run}/{of.Stage}").GetCacheAsync())));
            foreach (var (of, record) in records)
            {
                parts[of.Run].AddRange(record?.Fingerprint.Parts.Select(part => KeyValuePair.Create($"{of.Stage}/{part.Name}", part.Value)) ?? []);
            }
        }

        return parts;
    }

    private static void Add(List<ComparisonRow> rows, string group, RunView[] runs, Func<RunView, IEnumerable<KeyValuePair<string, string>>> values)
    {
        var columns = runs.Select(run => values(run).ToDictionary(static v => v.Key, static v => v.Value, StringComparer.Ordinal)).ToList();
        // In the order in which the runs have them, as far as they agree.
        foreach (var name in columns.SelectMany(static column => column.Keys).Distinct(StringComparer.Ordinal).ToList())
        {
            ImmutableArray<string?> row = [.. columns.Select(column => column.GetValueOrDefault(name))];
            rows.Add(new ComparisonRow(group, name, row, row.Distinct(StringComparer.Ordinal).Count() > 1));
        }
    }
}
