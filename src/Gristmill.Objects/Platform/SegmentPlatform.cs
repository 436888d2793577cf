using Gristmill.Objects.Platform.Linux;
using Gristmill.Objects.Platform.Portable;

namespace Gristmill.Objects.Platform;

/// <summary>What the store needs of an operating system.</summary>
internal abstract class SegmentPlatform
{
    /// <summary>That of this process: Linux, or plain mapped files (compiled everywhere, tried only on Linux).</summary>
    public static SegmentPlatform Current { get; } = OperatingSystem.IsLinux() ? new LinuxPlatform() : new PortablePlatform();

    /// <summary>The folder of shared memory that this user can write to, or null.</summary>
    public abstract string? SharedMemoryRoot { get; }

    /// <summary>Creates a folder only its owner can use.</summary>
    public abstract void CreatePrivateDirectory(string path);

    /// <summary>Creates and locks a new segment.</summary>
    /// <param name="path">A name that nobody else uses.</param>
    /// <param name="reserve">Bytes to reserve at once.</param>
    /// <param name="budget">Asked before each growth.</param>
    public abstract SegmentFile Create(string path, long reserve, StoreBudget budget);

    /// <summary>Maps a file; null if it does not exist.</summary>
    public abstract MappedFile? Open(string path);

    /// <summary>Removes an unsealed segment if its writer is dead.</summary>
    public abstract bool RemoveIfAbandoned(string path);

    /// <summary>Flushes a file or folder to its disk.</summary>
    public abstract void Flush(string path);
}
