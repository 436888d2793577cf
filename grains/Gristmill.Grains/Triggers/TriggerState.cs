using System.Collections.Immutable;

namespace Gristmill.Grains.Triggers;

/// <summary>A trigger: what it does, what it has decided, and the firings that are not in its history yet.</summary>
[GenerateSerializer, Alias("gristmill.state.Trigger")]
internal sealed record TriggerState
{
    [Id(0)] public TriggerSpec? Spec { get; init; }
    [Id(1)] public bool Declared { get; init; }
    [Id(2)] public bool Paused { get; init; }
    [Id(3)] public DateTimeOffset Created { get; init; }
    [Id(4)] public DateTimeOffset Updated { get; init; }
    /// <summary>Tells the firings of this trigger from those of an earlier one of the same name.</summary>
    [Id(5)] public string Incarnation { get; init; } = "";
    /// <summary>The newest time of the schedule that was decided on. It never goes back.</summary>
    [Id(6)] public DateTimeOffset Watermark { get; init; }
    /// <summary>The number of the newest firing.</summary>
    [Id(7)] public long Firings { get; init; }
    /// <summary>Oldest first; all that wait are among them.</summary>
    [Id(8)] public ImmutableArray<TriggerFiring> Recent { get; init; } = [];
    /// <summary>The run that was started last, where the policy asks whether it is under way.</summary>
    [Id(9)] public string? Active { get; init; }
    /// <summary>Whether the metric of the last run met the comparison.</summary>
    [Id(10)] public bool MetricHeld { get; init; }
    /// <summary>Being removed: goes on until nothing is left.</summary>
    [Id(11)] public bool Removed { get; init; }
    /// <summary>The version of the object at the last look (<see cref="SeenObject.Version"/>); null: there was none, or it has not been looked for yet.</summary>
    [Id(12)] public string? Object { get; init; }

    public bool Exists => Spec is not null && !Removed;
}

/// <summary>The files that a trigger has fired for, or found when it was made.</summary>
[GenerateSerializer, Alias("gristmill.state.FileLedger")]
internal sealed record FileLedger
{
    /// <summary>Digests, oldest first.</summary>
    [Id(0)] public UInt128[] Files { get; init; } = [];
}

/// <summary>Some of a trigger's older firings.</summary>
[GenerateSerializer, Alias("gristmill.state.TriggerHistory")]
internal sealed record TriggerHistoryState
{
    [Id(0)] public long Page { get; init; } = -1;
    /// <summary>In the order of their numbers.</summary>
    [Id(1)] public ImmutableArray<TriggerFiring> Firings { get; init; } = [];
}

/// <summary>The triggers and backfills that hear of a pipeline's runs.</summary>
[GenerateSerializer, Alias("gristmill.state.RunSubscribers")]
internal sealed record RunSubscribersState
{
    /// <summary>By the trigger's name: the pipeline that it starts for each end of a run, or "" if it starts none for that.</summary>
    [Id(0)] public ImmutableSortedDictionary<string, string> Triggers { get; init; } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
    /// <summary>Ids of backfills under way.</summary>
    [Id(1)] public ImmutableHashSet<string> Backfills { get; init; } = [];
}

/// <summary>Names of triggers, each with its pipeline.</summary>
[GenerateSerializer, Alias("gristmill.state.TriggerDirectory")]
internal sealed record TriggerDirectoryState
{
    [Id(0)] public ImmutableSortedDictionary<string, string> Triggers { get; init; } = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
}
