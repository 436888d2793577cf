namespace Gristmill.Worker;

/// <summary>What attempts get that do not say otherwise.</summary>
public sealed record StageHostOptions
{
    /// <summary>Threads an attempt may use.</summary>
    /// <value>All processors.</value>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Base folder of relative paths in options; null refuses them.</summary>
    /// <value>null</value>
    public string? BaseDirectory { get; init; }

    /// <summary>Folder of checkpoints; null: none are kept.</summary>
    /// <value>null</value>
    public string? CheckpointDirectory { get; init; }

    /// <summary>Whether the process belongs to the attempts: the peak of its memory is then measured per attempt.</summary>
    /// <value>false</value>
    public bool OwnsProcess { get; init; }
}
