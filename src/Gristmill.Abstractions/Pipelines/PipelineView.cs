using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>A pipeline in a list, or after registration.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.PipelineView")]
public sealed record PipelineView
{
    /// <summary>Its name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>Its newest version: SHA-256 of the spec's canonical JSON, first 16 hexadecimal digits.</summary>
    [Id(1)] public required string Version { get; init; }
    /// <summary>The newest spec; null in lists, and in a grain's answer where it is too large for a message.</summary>
    [Id(2)] public PipelineSpec? Spec { get; init; }
    /// <summary>When the newest version was registered.</summary>
    [Id(3)] public required DateTimeOffset Updated { get; init; }
    /// <summary>Versions registered so far.</summary>
    [Id(4)] public int Versions { get; init; }
    /// <summary>Where the newest spec is stored, as canonical JSON.</summary>
    [Id(5), JsonIgnore] public BlobRef? Source { get; init; }
}
