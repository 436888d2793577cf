using System.Collections.Immutable;

namespace Gristmill;

/// <summary>A part in which two executions differ.</summary>
/// <param name="Name">The part's name, as in <see cref="FingerprintPart.Name"/>.</param>
/// <param name="Was">Its value in the earlier execution, or null where that had no such part.</param>
/// <param name="Now">Its value now, or null where there is no such part any more.</param>
public sealed record FingerprintChange(string Name, string? Was = null, string? Now = null);

/// <summary>An earlier execution of the same stage of the pipeline.</summary>
public sealed record CacheComparison
{
    /// <summary>The run.</summary>
    public required string Run { get; init; }
    /// <summary>When the stage ended there.</summary>
    public DateTimeOffset? Ended { get; init; }
    /// <summary>In what it differs, in ordinal order of names; empty if in nothing.</summary>
    public ImmutableArray<FingerprintChange> Changes { get; init; } = [];

    /// <summary>Compares two fingerprints.</summary>
    public static ImmutableArray<FingerprintChange> Compare(StageFingerprint was, StageFingerprint now)
    {
        ArgumentNullException.ThrowIfNull(was);
        ArgumentNullException.ThrowIfNull(now);
        var before = was.Parts.ToDictionary(static part => part.Name, static part => part.Value, StringComparer.Ordinal);
        var after = now.Parts.ToDictionary(static part => part.Name, static part => part.Value, StringComparer.Ordinal);
        return
        [
            .. before.Keys.Union(after.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Select(name => new FingerprintChange(name, before.GetValueOrDefault(name), after.GetValueOrDefault(name)))
                .Where(static change => change.Was != change.Now),
        ];
    }
}

/// <summary>Why a stage took an earlier result over, or did not.</summary>
public sealed record StageCacheView
{
    /// <summary>The run.</summary>
    public required string Run { get; init; }
    /// <summary>The stage.</summary>
    public required string Stage { get; init; }
    /// <summary>Where the stage is.</summary>
    public required StageStatus Status { get; init; }
    /// <summary>What the cache did.</summary>
    public required CacheOutcome Outcome { get; init; }
    /// <summary>Why, in a sentence without its full stop.</summary>
    public string? Reason { get; init; }
    /// <summary>The execution whose result was taken over, or null.</summary>
    public StageOrigin? Origin { get; init; }
    /// <summary>When that execution ended.</summary>
    public DateTimeOffset? Computed { get; init; }
    /// <summary>The key, or null where there is none.</summary>
    public string? Key { get; init; }
    /// <summary>What the result depends on.</summary>
    public ImmutableArray<FingerprintPart> Parts { get; init; } = [];
    /// <summary>The earlier execution that differs in the least, of the pipeline's 50 runs before this one; null if there is none.</summary>
    public CacheComparison? Nearest { get; init; }
}
