using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>Where a run is.</summary>
public enum RunStatus
{
    /// <summary>Accepted, not started.</summary>
    Pending = 0,
    /// <summary>At least one stage has started.</summary>
    Running = 1,
    /// <summary>Every stage succeeded or was skipped.</summary>
    Succeeded = 2,
    /// <summary>A stage failed.</summary>
    Failed = 3,
    /// <summary>Cancelled by a caller.</summary>
    Cancelled = 4,
}

/// <summary>Where a stage is.</summary>
public enum StageStatus
{
    /// <summary>Waits for its inputs.</summary>
    Pending = 0,
    /// <summary>An attempt runs.</summary>
    Running = 1,
    /// <summary>Its outputs are committed.</summary>
    Succeeded = 2,
    /// <summary>Its last attempt failed.</summary>
    Failed = 3,
    /// <summary>Its condition did not hold, or what it needs was skipped.</summary>
    Skipped = 4,
    /// <summary>Cancelled.</summary>
    Cancelled = 5,
}

/// <summary>Asks for a run.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RunRequest")]
public sealed record RunRequest
{
    /// <summary>Parameter values by name, JSON literals as text ("\"2001-04-01\"", "5", "true").</summary>
    [Id(0), JsonConverter(typeof(RawJsonMapConverter))] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>Two requests with the same key make one run.</summary>
    [Id(1)] public string? IdempotencyKey { get; init; }
    /// <summary>Every stage is executed: none takes an earlier result over.</summary>
    [Id(2), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool NoCache { get; init; }
    /// <summary>A run of the same pipeline whose version of the spec is used, and whose parameters where none are given; null: the newest version.</summary>
    [Id(3)] public string? RerunOf { get; init; }
    /// <summary>Labels to find the run by; they can be changed later.</summary>
    /// <value>null: none</value>
    [Id(5)] public ImmutableDictionary<string, string>? Tags { get; init; }
    /// <summary>Of a partitioned pipeline: the key of a partition, or a range such as "2001-01..2001-06".</summary>
    [Id(4)] public string? Partition { get; init; }
    /// <summary>The trigger that asks, or null.</summary>
    [Id(6)] public string? Trigger { get; init; }
}

/// <summary>A run in a list.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RunSummary")]
public sealed record RunSummary
{
    /// <summary>The run's id: time-ordered, so ids sort by start.</summary>
    [Id(0)] public required string Id { get; init; }
    /// <summary>The pipeline's name.</summary>
    [Id(1)] public required string Pipeline { get; init; }
    /// <summary>Where it is.</summary>
    [Id(2)] public required RunStatus Status { get; init; }
    /// <summary>When it was accepted.</summary>
    [Id(3)] public required DateTimeOffset Created { get; init; }
    /// <summary>When it ended, or null.</summary>
    [Id(4)] public DateTimeOffset? Ended { get; init; }
    /// <summary>Whether it is paused.</summary>
    [Id(5)] public bool Paused { get; init; }
    /// <summary>The partition, or the range of them, that it is for; null if the pipeline has none.</summary>
    [Id(8)] public string? Partition { get; init; }
    /// <summary>The trigger that started it, or null.</summary>
    [Id(10)] public string? Trigger { get; init; }
    /// <summary>How often it went on after its end, or made lost tables again; tells which of two summaries is the newer.</summary>
    [Id(11), JsonIgnore] public int Retries { get; init; }
}

/// <summary>A run with its stages, or the chief of them if there are many.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RunView")]
public sealed record RunView
{
    /// <summary>The run's id.</summary>
    [Id(0)] public required string Id { get; init; }
    /// <summary>The pipeline's name.</summary>
    [Id(1)] public required string Pipeline { get; init; }
    /// <summary>The version of its spec: SHA-256 of its JSON, first 16 hexadecimal digits.</summary>
    [Id(2)] public required string PipelineVersion { get; init; }
    /// <summary>Where it is.</summary>
    [Id(3)] public required RunStatus Status { get; init; }
    /// <summary>Effective parameters, JSON literals as text.</summary>
    [Id(4), JsonConverter(typeof(RawJsonMapConverter))] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>
    /// Stages in the order of the spec. Of a run with more than <see cref="MaxStages"/>, or whose stages are too large for one
    /// message, it has some: those that failed, then those that run, then others. <see cref="IRunGrain.GetStagesAsync"/> has all of them.
    /// </summary>
    [Id(5)] public ImmutableArray<StageView> Stages { get; init; } = [];
    /// <summary>When it was accepted.</summary>
    [Id(6)] public required DateTimeOffset Created { get; init; }
    /// <summary>When its first stage started, or null.</summary>
    [Id(7)] public DateTimeOffset? Started { get; init; }
    /// <summary>When it ended, or null.</summary>
    [Id(8)] public DateTimeOffset? Ended { get; init; }
    /// <summary>Why it failed, or null.</summary>
    [Id(9)] public ErrorInfo? Error { get; init; }
    /// <summary>Stages that took an earlier result over.</summary>
    [Id(10)] public int CacheHits { get; init; }
    /// <summary>The run whose version it uses, or null.</summary>
    [Id(11)] public string? RerunOf { get; init; }
    /// <summary>Where and with what it was started.</summary>
    [Id(12)] public RunEnvironment? Environment { get; init; }
    /// <summary>Whether it is paused: no stage starts.</summary>
    [Id(20)] public bool Paused { get; init; }
    /// <summary>How often it went on after it had failed or was cancelled, or made lost tables again.</summary>
    [Id(21)] public int Retries { get; init; }
    /// <summary>Its tags, as REST shows them; grains leave them to the tracking store.</summary>
    /// <value>null: none</value>
    [Id(14)] public ImmutableDictionary<string, string>? Tags { get; init; }
    /// <summary>The partition, or the range of them, that it is for; null if the pipeline has none.</summary>
    [Id(13)] public string? Partition { get; init; }
    /// <summary>The trigger that started it, or null.</summary>
    [Id(15)] public string? Trigger { get; init; }
    /// <summary>How many stages are in each status.</summary>
    [Id(19)] public StageCounts Counts { get; init; } = new();

    /// <summary>As many stages a view holds.</summary>
    public const int MaxStages = 100;

    /// <summary>Whether all stages are in <see cref="Stages"/>.</summary>
    [JsonIgnore] public bool IsWhole => Stages.Length >= Counts.Total;
}

/// <summary>A stage of a run.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageView")]
public sealed record StageView
{
    /// <summary>Its name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>Its operation.</summary>
    [Id(1)] public required string Operation { get; init; }
    /// <summary>Where it is.</summary>
    [Id(2)] public required StageStatus Status { get; init; }
    /// <summary>Attempts so far.</summary>
    [Id(3)] public int Attempts { get; init; }
    /// <summary>Committed outputs by name.</summary>
    [Id(4)] public ImmutableDictionary<string, Artifact> Outputs { get; init; } = ImmutableDictionary<string, Artifact>.Empty;
    /// <summary>What the committed attempt cost.</summary>
    [Id(5)] public StageUsage? Usage { get; init; }
    /// <summary>The newest progress of the running attempt.</summary>
    [Id(6)] public StageProgress? Progress { get; init; }
    /// <summary>Why it failed, or null.</summary>
    [Id(7)] public ErrorInfo? Error { get; init; }
    /// <summary>Names of the stages it waits for, the first 64 of them.</summary>
    [Id(8)] public ImmutableArray<string> DependsOn { get; init; } = [];
    /// <summary>When its first attempt started, or null.</summary>
    [Id(9)] public DateTimeOffset? Started { get; init; }
    /// <summary>When it ended, or null.</summary>
    [Id(10)] public DateTimeOffset? Ended { get; init; }
    /// <summary>Why it was skipped, or null.</summary>
    [Id(11)] public string? Reason { get; init; }
    /// <summary>The execution whose result it took over, or null where it was executed itself.</summary>
    [Id(12)] public StageOrigin? CachedFrom { get; init; }
    /// <summary>The newest value of each metric it logged, as REST shows them; grains leave them to the tracking store.</summary>
    /// <value>null: none</value>
    [Id(18)] public ImmutableDictionary<string, double>? Metrics { get; init; }
}

/// <summary>One change in a run, as watchers see it: of the run, of one stage, or of several, or that it was paused or goes on.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RunEvent")]
public sealed record RunEvent
{
    /// <summary>Counts changes within one activation; it skips some where several are told of at once.</summary>
    [Id(0)] public required long Sequence { get; init; }
    /// <summary>The run: in the first event, and in the last.</summary>
    [Id(1)] public RunView? Run { get; init; }
    /// <summary>The stage that changed.</summary>
    [Id(2)] public StageView? Stage { get; init; }
    /// <summary>The run's status after the change.</summary>
    [Id(3)] public required RunStatus Status { get; init; }
    /// <summary>Several stages as they stand: those of a large run at the start of a watch, and those that changed while a watcher was behind.</summary>
    [Id(4)] public ImmutableArray<StageView> Stages { get; init; } = [];
    /// <summary>How many stages are in each status after the change.</summary>
    [Id(5)] public StageCounts Counts { get; init; } = new();
    /// <summary>Whether the run is paused after the change; an event without run and stages tells that this is what changed.</summary>
    /// <value>null: a silo of an older version told of the change</value>
    [Id(6)] public bool? Paused { get; init; }
}
