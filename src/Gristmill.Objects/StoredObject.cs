namespace Gristmill.Objects;

/// <summary>A segment in a store's folder, as the folder alone shows it.</summary>
public sealed record StoredObject
{
    /// <summary>The object's id, or the one it will have.</summary>
    public required string Id { get; init; }

    /// <summary>Whether it is whole. False: it is being written, or its writer died.</summary>
    public required bool IsSealed { get; init; }

    /// <summary>Its size in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>When it was written last: for a sealed one, when it was sealed.</summary>
    public required DateTimeOffset Modified { get; init; }

    /// <summary>Whether <see cref="ObjectStore.Pin"/> keeps it.</summary>
    public bool IsPinned { get; init; }

    /// <summary>
    /// Ids of the processes that have it mapped or write it, in order. Those of other PID namespaces are missing, and another process may be while many
    /// objects are mapped and let go; where the system does not tell (other than Linux), this process alone is looked for.
    /// </summary>
    public IReadOnlyList<int> Processes { get; init; } = [];

    /// <summary>Whether it lies on a disk, as memory had no room for it.</summary>
    public bool IsSpilled { get; init; }

    /// <summary>
    /// Whether it shares its segment with other small objects. It counts as held, then, as long as any of them is, and its memory is free when all of them are gone.
    /// </summary>
    public bool IsShared => Part is not null;

    internal string Path { get; init; } = "";

    /// <summary>Where it lies in a slab; null: the file is this object.</summary>
    internal (long Start, long Length)? Part { get; init; }
}
