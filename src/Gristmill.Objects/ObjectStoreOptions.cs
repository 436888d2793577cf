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

    /// <summary>The clock.</summary>
    /// <value>The system's.</value>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The folder for a cluster of this name on this host.</summary>
    /// <param name="cluster">Cluster name; letters, digits, '-' and '_'.</param>
    /// <param name="fallbackRoot">Used where /dev/shm is missing or not writable.</param>
    public static string DefaultDirectory(string cluster, string fallbackRoot) =>
        System.IO.Directory.Exists("/dev/shm")
            ? $"/dev/shm/gristmill-{cluster}"
            : Path.Combine(fallbackRoot, "objects");
}
