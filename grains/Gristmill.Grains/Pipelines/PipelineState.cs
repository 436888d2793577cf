using System.Collections.Immutable;

namespace Gristmill.Grains.Pipelines;

/// <summary>A pipeline's newest version.</summary>
[GenerateSerializer, Alias("gristmill.state.Pipeline")]
internal sealed record PipelineState
{
    /// <summary>Only in what was stored before specs were kept apart; now there is <see cref="Source"/>.</summary>
    [Id(0)] public PipelineSpec? Spec { get; init; }
    [Id(1)] public string Version { get; init; } = "";
    [Id(2)] public DateTimeOffset Updated { get; init; }
    [Id(3)] public int Versions { get; init; }
    /// <summary>Where the spec is stored, as canonical JSON.</summary>
    [Id(4)] public BlobRef? Source { get; init; }
    /// <summary>The triggers that versions of the code have declared and that may be there.</summary>
    [Id(5)] public ImmutableArray<string> Declared { get; init; } = [];
    /// <summary>Of a partitioned pipeline, as in <see cref="RunStart.CodeVersion"/>.</summary>
    [Id(6)] public string? CodeVersion { get; init; }
    /// <summary>What made partitions in the newest versions, oldest first.</summary>
    [Id(7)] public ImmutableArray<KnownCode> Codes { get; init; } = [];
}

/// <summary>What made a pipeline's partitions in some version of it.</summary>
/// <param name="Code">Where that is stored: a <see cref="Partitions.PartitionCode"/> as canonical JSON.</param>
/// <param name="Change">What has changed since, for people; null: nothing, or it is not known.</param>
[GenerateSerializer, Immutable, Alias("gristmill.state.KnownCode")]
internal sealed record KnownCode([property: Id(0)] BlobRef Code, [property: Id(1)] string? Change);

/// <summary>Some of a pipeline's runs, in order of their ids.</summary>
[GenerateSerializer, Alias("gristmill.state.RunChunk")]
internal sealed record RunChunk
{
    /// <summary>Counts from 1; 0 is an unused slot.</summary>
    [Id(0)] public long Number { get; init; }
    [Id(1)] public List<RunEntry> Runs { get; init; } = [];
}

/// <summary>A run in the list.</summary>
[GenerateSerializer, Alias("gristmill.state.RunEntry")]
internal sealed record RunEntry
{
    [Id(0)] public required RunSummary Summary { get; init; }
    [Id(1)] public string? IdempotencyKey { get; init; }
    /// <summary>What was asked for with the key.</summary>
    [Id(2)] public string? RequestDigest { get; init; }
}
