using System.Collections.Immutable;

namespace Gristmill;

/// <summary>One thing that a stage's result depends on.</summary>
/// <param name="Name">What it is, such as "code", "option query", "input train" or "file /data/trips.csv".</param>
/// <param name="Value">Its value where that is short, else a digest of it.</param>
[GenerateSerializer, Immutable, Alias("gristmill.FingerprintPart")]
public sealed record FingerprintPart([property: Id(0)] string Name, [property: Id(1)] string Value);

/// <summary>All that a stage's result depends on.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageFingerprint")]
public sealed record StageFingerprint
{
    /// <summary>SHA-256 over the parts, 64 hexadecimal digits: equal keys, equal results. Null where that cannot be said.</summary>
    [Id(0)] public string? Key { get; init; }
    /// <summary>The parts, in ordinal order of their names.</summary>
    [Id(1)] public ImmutableArray<FingerprintPart> Parts { get; init; } = [];
    /// <summary>Why there is no key, or null.</summary>
    [Id(2)] public string? Refusal { get; init; }
    /// <summary>Why equal keys may give different results, such as a query that calls random(), or null. <see cref="CachePolicy.On"/> overrules it.</summary>
    [Id(3)] public string? Doubt { get; init; }
}
