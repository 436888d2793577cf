using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>What a run was started with: written once.</summary>
[GenerateSerializer, Alias("gristmill.state.RunDefinition")]
internal sealed record RunDefinition
{
    /// <summary>Only in runs that were stored before specs were kept apart; now there is <see cref="Source"/>.</summary>
    [Id(0)] public PipelineSpec? Spec { get; init; }
    [Id(1)] public string Version { get; init; } = "";
    [Id(2)] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    [Id(3)] public DateTimeOffset Created { get; init; }
    [Id(4)] public string? TraceParent { get; init; }
    /// <summary>Where the spec is stored.</summary>
    [Id(20)] public BlobRef? Source { get; init; }
    [Id(21)] public string Pipeline { get; init; } = "";
    /// <summary>What was asked for, without its parameters and key.</summary>
    [Id(22)] public RunRequest Request { get; init; } = new();
    [Id(12)] public RunEnvironment? Environment { get; init; }
    /// <summary>As in <see cref="RunStart.CodeVersion"/>.</summary>
    [Id(23)] public string? CodeVersion { get; init; }

    public bool Exists => Source is not null || Spec is not null;
}

/// <summary>How a run ended, or that it is to be cancelled. Stages keep the truth about themselves until the end.</summary>
[GenerateSerializer, Alias("gristmill.state.RunOutcome")]
internal sealed record RunOutcome
{
    [Id(0)] public RunStatus Status { get; init; }
    [Id(1)] public bool CancelRequested { get; init; }
    [Id(2)] public DateTimeOffset? Started { get; init; }
    [Id(3)] public DateTimeOffset? Ended { get; init; }
    [Id(4)] public ErrorInfo? Error { get; init; }
    /// <summary>The stages as they ended; of a large run, those that a view of it shows.</summary>
    [Id(5)] public ImmutableArray<StageView> Stages { get; init; } = [];
    /// <summary>Stages that took an earlier result over.</summary>
    [Id(13)] public int CacheHits { get; init; }
    [Id(20)] public StageCounts? Counts { get; init; }
    /// <summary>All stages of a large run, in pages that are stored apart.</summary>
    [Id(21)] public ImmutableArray<StagePageRef> Pages { get; init; } = [];
    [Id(10)] public bool Paused { get; init; }
    /// <summary>Counts retries; stages that ended without committing before the newest one start anew.</summary>
    [Id(11)] public int Retries { get; init; }
    /// <summary>Stages that committed, but whose outputs the newest retry needs and did not find.</summary>
    [Id(12)] public ImmutableArray<string> Lost { get; init; } = [];
    /// <summary>How the run ended, once nothing is left but the stages that run at its exit.</summary>
    [Id(30)] public ExitStatus? Exit { get; init; }
    /// <summary>It is being removed: nobody sees it any more, and what is left of it goes.</summary>
    [Id(31)] public bool Removed { get; init; }
    /// <summary>Pages of ends that retries have gone on from; they go with the run.</summary>
    [Id(32)] public ImmutableArray<StagePageRef> EarlierPages { get; init; } = [];

    /// <summary>Ids of tables that stages could not read, and for which those of the run have been executed again.</summary>
    [Id(33)] public ImmutableArray<string> MadeAgain { get; init; } = [];

    public bool IsFinal => Ended is not null;
}

/// <summary>A page of stages of a run that is over.</summary>
/// <param name="Blob">Where it is stored: an array of views, as Orleans serialises it.</param>
/// <param name="First">Its first stage's place among all, from 0.</param>
/// <param name="Counts">Its stages by status.</param>
[GenerateSerializer, Immutable, Alias("gristmill.state.StagePageRef")]
internal sealed record StagePageRef([property: Id(0)] BlobRef Blob, [property: Id(1)] int First, [property: Id(2)] StageCounts Counts);

/// <summary>A stage of a run. Every transition is written before it is acted on.</summary>
[GenerateSerializer, Alias("gristmill.state.Stage")]
internal sealed record StageState
{
    /// <summary>What to do; dropped when the stage is over.</summary>
    [Id(0)] public StageStart? Start { get; init; }
    [Id(1)] public string Operation { get; init; } = "";
    [Id(2)] public StageStatus Status { get; init; }
    [Id(3)] public int Attempt { get; init; }
    /// <summary>Counts up with each execution: what an older one brings is refused.</summary>
    [Id(4)] public long Epoch { get; init; }
    /// <summary>Attempts that ended because a silo stopped in good order; they do not count against the limit.</summary>
    [Id(5)] public int Interruptions { get; init; }
    [Id(6)] public ImmutableDictionary<string, Artifact> Outputs { get; init; } = ImmutableDictionary<string, Artifact>.Empty;
    [Id(7)] public StageUsage? Usage { get; init; }
    [Id(8)] public ErrorInfo? Error { get; init; }
    [Id(9)] public DateTimeOffset? Started { get; init; }
    [Id(10)] public DateTimeOffset? Ended { get; init; }
    /// <summary>What the cache did, once the stage is over.</summary>
    [Id(11)] public StageCacheRecord? Cache { get; init; }

    /// <summary>What its attempts have printed, the oldest first.</summary>
    [Id(13)] public ImmutableArray<StageLogRef> Logs { get; init; } = [];
    /// <summary>The newest retry of the run that this stage has taken part in.</summary>
    [Id(12)] public int Retry { get; init; }
    /// <summary>While it runs: its run executes it.</summary>
    [Id(14)] public bool Carried { get; init; }

    public bool IsFinal => Status is StageStatus.Succeeded or StageStatus.Failed or StageStatus.Cancelled;

    /// <summary>What others see of it.</summary>
    /// <param name="name">The stage's name.</param>
    public StageView View(string name) => new()
    {
        Name = name,
        Operation = Operation,
        Status = Status,
        Attempts = Attempt,
        Outputs = StageValues.Travelling(name, Outputs),
        Usage = Usage,
        Error = Error,
        Started = Started,
        Ended = Ended,
        CachedFrom = Cache?.Origin,
    };
}
