namespace Gristmill.Worker;

/// <summary>How much of what stages leave is kept.</summary>
public sealed record StageFilesOptions
{
    /// <summary>Bytes kept of the beginning of what an attempt prints.</summary>
    /// <value>1 MiB</value>
    public int HeadBytes { get; init; } = 1 << 20;

    /// <summary>Bytes kept of the end of what an attempt prints.</summary>
    /// <value>512 KiB</value>
    public int TailBytes { get; init; } = 512 << 10;

    /// <summary>How long logs, and checkpoints that no attempt has taken up, are kept.</summary>
    /// <value>30 days</value>
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Where they lie, in words, if other silos of the cluster do not see them.</summary>
    /// <value>null: all silos share the folder, or there is one silo.</value>
    public string? Place { get; init; }
}
