using System.Collections.Immutable;

namespace Gristmill;

/// <summary>
/// The outputs that a stage of a loop made, in the order of the items. Between grains it only says which; the stage that
/// takes them gathers them when its attempt begins.
/// </summary>
[GenerateSerializer, Immutable, Alias("gristmill.CollectionRef")]
public sealed record CollectionRef
{
    /// <summary>The stage, by its name in the spec.</summary>
    [Id(0)] public required string Stage { get; init; }
    /// <summary>Its output.</summary>
    [Id(1)] public required string Output { get; init; }
    /// <summary>Of metrics, the one that is taken; null: all.</summary>
    [Id(2)] public string? Metric { get; init; }
    /// <summary>The items of outer loops that the taking stage is in, such as "[2]"; empty: none.</summary>
    [Id(3)] public string Within { get; init; } = "";
    /// <summary>The outputs, once gathered; null stands for an item whose stage was skipped. Items that failed are left out.</summary>
    [Id(4)] public ImmutableArray<Artifact?>? Items { get; init; }
}
