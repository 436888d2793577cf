using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>What a run was started with: written once.</summary>
[GenerateSerializer, Alias("gristmill.state.RunDefinition")]
internal sealed record RunDefinition
{
    [Id(0)] public PipelineSpec? Spec { get; init; }
    [Id(1)] public string Version { get; init; } = "";
    [Id(2)] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    [Id(3)] public DateTimeOffset Created { get; init; }
    [Id(4)] public string? TraceParent { get; init; }
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
    [Id(5)] public ImmutableArray<StageView> Stages { get; init; } = [];

    public bool IsFinal => Ended is not null;
}

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

    public bool IsFinal => Status is StageStatus.Succeeded or StageStatus.Failed or StageStatus.Cancelled;
}
