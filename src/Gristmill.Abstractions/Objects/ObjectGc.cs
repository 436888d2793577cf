namespace Gristmill;

/// <summary>What went, or would go.</summary>
public sealed record ObjectGc
{
    /// <summary>Whether nothing was removed, only counted.</summary>
    public required bool DryRun { get; init; }
    /// <summary>Objects of which no run is left, that no result of the cache refers to and nobody had mapped.</summary>
    public required int Objects { get; init; }
    /// <summary>Their bytes.</summary>
    public required long Bytes { get; init; }
    /// <summary>Segments whose writers died before they were whole.</summary>
    public required int Abandoned { get; init; }
    /// <summary>Their bytes.</summary>
    public required long AbandonedBytes { get; init; }
    /// <summary>Objects that nobody needs and that stay because a process has them mapped.</summary>
    public required int Mapped { get; init; }
    /// <summary>Objects that nobody needs and that stay because they are pinned.</summary>
    public int Pinned { get; init; }
    /// <summary>The largest of the objects, at most 100.</summary>
    public required IReadOnlyList<ObjectView> Largest { get; init; }
}
