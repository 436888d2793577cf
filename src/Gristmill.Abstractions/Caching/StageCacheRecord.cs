namespace Gristmill;

/// <summary>A stage of a run.</summary>
/// <param name="Run">The run's id.</param>
/// <param name="Stage">The stage's name.</param>
[GenerateSerializer, Immutable, Alias("gristmill.StageOrigin")]
public sealed record StageOrigin([property: Id(0)] string Run, [property: Id(1)] string Stage);

/// <summary>What the cache did for a stage.</summary>
public enum CacheOutcome
{
    /// <summary>It has not been asked.</summary>
    None = 0,
    /// <summary>An earlier result was taken over.</summary>
    Hit = 1,
    /// <summary>There was no earlier result to take over: the stage was executed.</summary>
    Miss = 2,
    /// <summary>It was switched off for the stage, the run or the server.</summary>
    Off = 3,
    /// <summary>The stage's result cannot be taken over.</summary>
    Uncacheable = 4,
}

/// <summary>What the cache did for a stage, and by what.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageCacheRecord")]
public sealed record StageCacheRecord
{
    /// <summary>What it did.</summary>
    [Id(0)] public CacheOutcome Outcome { get; init; }
    /// <summary>Why, in a sentence without its full stop.</summary>
    [Id(1)] public string? Reason { get; init; }
    /// <summary>What the result depends on.</summary>
    [Id(2)] public StageFingerprint Fingerprint { get; init; } = new();
    /// <summary>The execution whose result was taken over, for a hit.</summary>
    [Id(3)] public StageOrigin? Origin { get; init; }
    /// <summary>When that execution ended.</summary>
    [Id(4)] public DateTimeOffset? Computed { get; init; }
}
