using System.Collections.Immutable;

namespace Gristmill.Grains.Registry;

/// <summary>A registered model.</summary>
[GenerateSerializer, Alias("gristmill.state.Model")]
internal sealed record ModelState
{
    [Id(0)] public ImmutableArray<ModelVersionView> Versions { get; init; } = [];
    /// <summary>Version by idempotency key.</summary>
    [Id(1)] public ImmutableDictionary<string, int> Keys { get; init; } = ImmutableDictionary<string, int>.Empty;
}
