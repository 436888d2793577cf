namespace Gristmill.Grains;

/// <summary>Settings of the stage result cache.</summary>
public sealed record StageCacheOptions
{
    /// <summary>Whether results are taken over at all.</summary>
    /// <value>true</value>
    public bool Enabled { get; init; } = true;

    /// <summary>Entries kept; those used least recently go first.</summary>
    /// <value>4,096</value>
    public int MaxEntries { get; init; } = 4096;

    /// <summary>How long after its last use an entry is kept.</summary>
    /// <value>7 days</value>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromDays(7);
}
