using Gristmill.Objects.Platform;

namespace Gristmill.Objects;

/// <summary>Where the store keeps its segments and how much it may use.</summary>
public sealed record ObjectStoreOptions
{
    /// <summary>The folder of the segments: /dev/shm/gristmill-CLUSTER where there is shared memory, else a plain folder.</summary>
    public required string Directory { get; init; }

    /// <summary>
    /// Bytes all segments of this folder may take, over all processes that use it. Sizes are summed at most once a
    /// second, so several writers at once can exceed it a little.
    /// </summary>
    /// <value>0: what the file system has, less one sixteenth.</value>
    public long CapacityBytes { get; init; }

    /// <summary>The name of this host in the references it gives out.</summary>
    /// <value>The machine's name.</value>
    public string Host { get; init; } = Environment.MachineName;

    /// <summary>A folder on a disk that takes objects for which memory has no room; those mapped longest ago go there first, and come back when they are read.</summary>
    /// <value>null: there is none, and a full store refuses.</value>
    public string? SpillDirectory { get; init; }

    /// <summary>Bytes that <see cref="SpillDirectory"/> may hold.</summary>
    /// <value>0: what its disk has room for.</value>
    public long SpillCapacityBytes { get; init; }

    /// <summary>
    /// Bytes that segments of deleted objects may take, which are kept for a minute to be written again: fresh memory is much slower. They go when the store runs short.
    /// </summary>
    /// <value>null: an eighth of the capacity, 2 GiB at most.</value>
    public long? RecycledBytes { get; init; }

    /// <summary>How long a writer waits for room, which readers make when they are done, before it is refused.</summary>
    /// <value>0: not at all.</value>
    public TimeSpan PutTimeout { get; init; }

    /// <summary>
    /// Objects up to this many bytes, as they lie in memory, share segments: one of its own costs each at least a page, two files' names and a mapping in every
    /// reader. 64 KiB at most; 0: every object has a segment of its own.
    /// </summary>
    /// <value>64 KiB.</value>
    public int SmallObjectBytes { get; init; } = 64 << 10;

    /// <summary>The clock.</summary>
    /// <value>The system's.</value>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The folder for a cluster of this name on this host.</summary>
    /// <param name="cluster">Cluster name; letters, digits, '-' and '_'.</param>
    /// <param name="fallbackRoot">Used where /dev/shm is missing or not writable.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the name has other characters.</exception>
    public static string DefaultDirectory(string cluster, string fallbackRoot)
    {
        if (string.IsNullOrEmpty(cluster) || cluster.Length > 64 || !cluster.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{cluster}' cannot name a cluster.",
                "Use 1 to 64 letters, digits, '-' and '_'.");
        }

        return SegmentPlatform.Current.SharedMemoryRoot is { } root
            ? Path.Combine(root, "gristmill-" + cluster)
            : Path.Combine(fallbackRoot, "objects");
    }
}
