using System.Collections.Immutable;

namespace Gristmill.Grains.Caching;

/// <summary>A part of the cache.</summary>
[GenerateSerializer, Alias("gristmill.state.StageCache")]
internal sealed record StageCacheState
{
    [Id(0)] public ImmutableDictionary<string, StoredEntry> Entries { get; init; } = ImmutableDictionary<string, StoredEntry>.Empty;
}

/// <summary>An entry with its last use that reached the store: later ones are known in memory alone, as a lookup shall not cost a write.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.state.StageCacheEntry")]
internal sealed record StoredEntry([property: Id(0)] CachedStage Stage, [property: Id(1)] DateTimeOffset Used);
