using System.Collections.Immutable;

namespace Gristmill;

/// <summary>A result that later stages may take over.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.CachedStage")]
public sealed record CachedStage
{
    /// <summary>The key: <see cref="StageFingerprint.Key"/>.</summary>
    [Id(0)] public required string Key { get; init; }
    /// <summary>The execution that made it.</summary>
    [Id(1)] public required StageOrigin Origin { get; init; }
    /// <summary>When that ended.</summary>
    [Id(2)] public required DateTimeOffset Computed { get; init; }
    /// <summary>Its outputs.</summary>
    [Id(3)] public required ImmutableDictionary<string, Artifact> Outputs { get; init; }
    /// <summary>What it cost.</summary>
    [Id(4)] public StageUsage? Usage { get; init; }
}

/// <summary>An entry of the cache as its janitor sees it.</summary>
/// <param name="Key">The key.</param>
/// <param name="Used">When it was last stored or taken over.</param>
/// <param name="Bytes">Bytes of its tables.</param>
/// <param name="Objects">Ids of its tables.</param>
[GenerateSerializer, Immutable, Alias("gristmill.CachedStageUse")]
public sealed record CachedStageUse(
    [property: Id(0)] string Key,
    [property: Id(1)] DateTimeOffset Used,
    [property: Id(2)] long Bytes,
    [property: Id(3)] ImmutableArray<string> Objects);

/// <summary>A part of the stage result cache, keyed by <see cref="StageCacheShards"/>.</summary>
[Alias("gristmill.IStageCacheGrain")]
public interface IStageCacheGrain : IGrainWithStringKey
{
    /// <summary>The entry of a key, which counts as used now, or null.</summary>
    [Alias("Find")]
    Task<CachedStage?> FindAsync(string key);
    /// <summary>Stores an entry in place of the one of its key; entries too many or too old go.</summary>
    [Alias("Put")]
    Task PutAsync(CachedStage entry);
    /// <summary>Removes the entry of a key if it is of this execution.</summary>
    [Alias("Remove")]
    Task RemoveAsync(string key, StageOrigin origin);
    /// <summary>Its entries; those too old go first.</summary>
    [Alias("List")]
    Task<ImmutableArray<CachedStageUse>> ListAsync();
    /// <summary>Removes entries unless they were used since.</summary>
    /// <returns>Those that were removed.</returns>
    [Alias("Evict")]
    Task<ImmutableArray<string>> EvictAsync(ImmutableArray<string> keys, DateTimeOffset unusedSince);
}
