using System.Collections.Immutable;

namespace Gristmill;

/// <summary>What a run is started with.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RunStart")]
public sealed record RunStart
{
    /// <summary>The pipeline's name.</summary>
    [Id(0)] public required string Pipeline { get; init; }
    /// <summary>The version of its spec.</summary>
    [Id(1)] public required string Version { get; init; }
    /// <summary>Where the spec is stored, as canonical JSON.</summary>
    [Id(2)] public required BlobRef Spec { get; init; }
    /// <summary>Effective parameters, JSON literals as text: those asked for, checked, and defaults.</summary>
    [Id(3)] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>What was asked for, without its parameters and key.</summary>
    [Id(4)] public RunRequest Request { get; init; } = new();
    /// <summary>Digest of what makes its partition: the stages' code and options, their wiring, the parameters' defaults.</summary>
    /// <value>null: it has none, or that cannot be said.</value>
    [Id(5)] public string? CodeVersion { get; init; }
}
