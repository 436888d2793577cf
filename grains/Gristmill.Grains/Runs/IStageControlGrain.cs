using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>What a run asks of a stage that it carries; implemented by the same grain as <see cref="IStageGrain"/>.</summary>
[Alias("gristmill.IStageControlGrain")]
internal interface IStageControlGrain : IGrainWithStringKey
{
    /// <summary>Takes a stage over whose attempt did not succeed: from now on it is the grain's, with retries and end. Again changes nothing.</summary>
    [Alias("TakeOver")]
    Task TakeOverAsync(CarriedEnd end);
}

/// <summary>How the attempt of a carried stage ended that did not succeed.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.CarriedEnd")]
internal sealed record CarriedEnd
{
    /// <summary>The attempt's epoch.</summary>
    [Id(0)] public required long Epoch { get; init; }
    /// <summary>Why it failed.</summary>
    [Id(1)] public required ErrorInfo Error { get; init; }
    /// <summary>Whether the run is being cancelled.</summary>
    [Id(2)] public bool Cancelled { get; init; }
    /// <summary>What the cache did.</summary>
    [Id(3)] public StageCacheRecord? Cache { get; init; }
    /// <summary>What it printed.</summary>
    [Id(4)] public ImmutableArray<StageLogRef> Logs { get; init; } = [];
}
