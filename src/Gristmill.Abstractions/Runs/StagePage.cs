using System.Collections.Immutable;

namespace Gristmill;

/// <summary>Some of a run's stages, in the order of the spec.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StagePage")]
public sealed record StagePage
{
    /// <summary>The stages.</summary>
    [Id(0)] public required ImmutableArray<StageView> Stages { get; init; }
    /// <summary>The offset to go on from, or null if there are no more. A page may hold fewer stages than asked for.</summary>
    [Id(1)] public int? Next { get; init; }
    /// <summary>All stages of the run, by status.</summary>
    [Id(2)] public required StageCounts Counts { get; init; }
}
