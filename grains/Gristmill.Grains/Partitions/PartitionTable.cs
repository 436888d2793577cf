using System.Collections.Immutable;
using Gristmill.Grains.Pipelines;

namespace Gristmill.Grains.Partitions;

/// <summary>Puts together what is known of a pipeline's partitions: its spec, their runs, and those of the pipelines that they are made of.</summary>
internal sealed class PartitionTable
{
    private readonly PartitionFacts _facts;
    private readonly Dictionary<string, PartitionEntry> _entries;
    private readonly (string Name, Dictionary<string, PartitionEntry> Entries)[] _upstream;
    private readonly Dictionary<string, string> _running = new(StringComparer.Ordinal);

    private PartitionTable(PartitionFacts facts, PartitionKeys keys, Dictionary<string, PartitionEntry> entries, (string, Dictionary<string, PartitionEntry>)[] upstream)
    {
        (Spec, Keys, _facts, _entries, _upstream) = (facts.Spec!, keys, facts, entries, upstream);
        foreach (var (run, partition) in facts.Running.OrderBy(static run => run.Key, StringComparer.Ordinal))
        {
            // Of a run of an earlier version the partition may be one that this version no longer has.
            foreach (var key in keys.Find(partition) ?? [])
            {
                _running[key] = run;
            }
        }
    }

    public PartitionSpec Spec { get; }

    public PartitionKeys Keys { get; }

    /// <summary>The table as it is now.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/> or <see cref="ErrorCodes.Partition"/>.</exception>
    public static async Task<PartitionTable> ReadAsync(IGrainFactory grains, string pipeline, TimeProvider time)
    {
        var facts = await grains.GetGrain<IPipelineControlGrain>(pipeline).GetPartitionsAsync() ?? throw new GristmillException(
            ErrorCodes.NotFound, $"There is no pipeline '{pipeline}'.", "Register it first, or check the name.").With("pipeline", pipeline);
        var spec = facts.Spec ?? throw new GristmillException(ErrorCodes.Partition, $"Pipeline '{pipeline}' is not partitioned.", "Say how with p.PartitionBy.").With("pipeline", pipeline);
        var keys = new PartitionKeys(spec, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
        var entries = PartitionShardGrain.AllAsync(grains, pipeline);
        var upstream = await Task.WhenAll((spec.Upstream.IsDefault ? [] : spec.Upstream).Select(async name => (name, await PartitionShardGrain.AllAsync(grains, name))));
        return new PartitionTable(facts, keys, await entries, upstream);
    }

    public PartitionView View(string key)
    {
        var entry = _entries.GetValueOrDefault(key);
        var view = new PartitionView { Key = key, Status = PartitionStatus.Missing, Run = entry?.Run, Made = entry?.Made, Version = entry?.Version };
        if (_running.TryGetValue(key, out var run))
        {
            return view with { Status = PartitionStatus.Running, Run = run };
        }

        if (entry?.FailedRun is { } failed)
        {
            return view with { Status = PartitionStatus.Failed, Run = failed, Reason = entry.FailedReason };
        }

        return entry?.Made is null ? view
            : Stale(key, entry) is { } reason ? view with { Status = PartitionStatus.Stale, Reason = reason }
            : view with { Status = PartitionStatus.Ready };
    }

    private string? Stale(string key, PartitionEntry entry) =>
        entry.Marked is not null ? entry.MarkedReason ?? "marked stale"
        : Changed(entry) is { } change ? change
        : _upstream.FirstOrDefault(pipeline => pipeline.Entries.GetValueOrDefault(key)?.Made > entry.Began) is { Name: { } newer } ? $"'{newer}' has made it anew"
        : null;

    private string? Changed(PartitionEntry entry) =>
        entry.CodeVersion is { } made && _facts.CodeVersion is { } now
            ? made == now ? null : _facts.Changes.GetValueOrDefault(made, "what makes it has changed")
            : entry.Version == _facts.Version ? null : $"the pipeline has version {_facts.Version} now";
}

/// <summary>What a pipeline tells of its partitions.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.PartitionFacts")]
internal sealed record PartitionFacts
{
    [Id(0)] public PartitionSpec? Spec { get; init; }
    [Id(1)] public string Version { get; init; } = "";
    /// <summary>Partitions, or ranges of them, by the run that is under way.</summary>
    [Id(2)] public ImmutableDictionary<string, string> Running { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>Of the version, as in <see cref="RunStart.CodeVersion"/>.</summary>
    [Id(3)] public string? CodeVersion { get; init; }
    /// <summary>What has changed since, by the code versions of before.</summary>
    [Id(4)] public ImmutableDictionary<string, string> Changes { get; init; } = ImmutableDictionary<string, string>.Empty;
}
