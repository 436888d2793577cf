namespace Gristmill;

/// <summary>How a run ended, as the stages that run at its exit see it: a parameter of this type is handed in.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.ExitStatus")]
public sealed record ExitStatus
{
    /// <summary>The run's id.</summary>
    [Id(0)] public required string Run { get; init; }
    /// <summary>The pipeline's name.</summary>
    [Id(1)] public required string Pipeline { get; init; }
    /// <summary>Succeeded, failed or cancelled.</summary>
    [Id(2)] public required RunStatus Status { get; init; }
    /// <summary>Why it failed, or null.</summary>
    [Id(3)] public ErrorInfo? Error { get; init; }
    /// <summary>The stage that failed first, or null.</summary>
    [Id(4)] public string? FailedStage { get; init; }
    /// <summary>When the run was accepted.</summary>
    [Id(5)] public required DateTimeOffset Created { get; init; }
    /// <summary>When its other stages were over.</summary>
    [Id(6)] public required DateTimeOffset Ended { get; init; }
}
