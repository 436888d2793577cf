namespace Gristmill;

/// <summary>Whether a stage's result may be taken over from an earlier execution.</summary>
public enum CachePolicy
{
    /// <summary>If what the stage does is known to depend on nothing but its key: the default.</summary>
    Auto = 0,
    /// <summary>Also where its code or query looks as if it depended on something else, such as the clock.</summary>
    On = 1,
    /// <summary>Never.</summary>
    Off = 2,
}

/// <summary>A stage's cache policy.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.CacheSpec")]
public sealed record CacheSpec
{
    /// <summary>Whether its result may be taken over.</summary>
    /// <value><see cref="CachePolicy.Auto"/></value>
    [Id(0)] public CachePolicy Policy { get; init; }
    /// <summary>Age above which an earlier result is not taken over.</summary>
    /// <value>null: any age.</value>
    [Id(1)] public TimeSpan? MaxStaleness { get; init; }
}
