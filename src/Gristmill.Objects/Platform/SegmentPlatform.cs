using Gristmill.Objects.Platform.Linux;
using Gristmill.Objects.Platform.Portable;
using Microsoft.Win32.SafeHandles;

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

    /// <summary>Maps a file, which is held as long as the mapping lives; null if it does not exist.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hold">False for a file that this process has locked itself.</param>
    public abstract MappedFile? Open(string path, bool hold = true);

    /// <summary>Opens a file for plain reads, without a lock that others would take for a mapping.</summary>
    public abstract SafeFileHandle OpenRead(string path);

    /// <summary>Whether a living process writes a segment or has it mapped.</summary>
    public abstract bool IsHeld(string path);

    /// <summary>Removes a segment unless a living process writes it or has it mapped. False also if it is not there.</summary>
    /// <param name="path">The segment.</param>
    /// <param name="guard">A file that keeps the segment as long as it exists; it is asked for when nobody can map the segment any more.</param>
    public abstract bool RemoveUnlessHeld(string path, string? guard = null);

    /// <summary>What a file is; null if it does not exist.</summary>
    public abstract SegmentFacts? Examine(string path);

    /// <summary>The processes that hold files of a folder, by <see cref="SegmentFacts.Inode"/>; null where the system does not tell.</summary>
    public abstract ILookup<ulong, int>? Holders(string directory);

    /// <summary>Flushes a file or folder to its disk.</summary>
    public abstract void Flush(string path);
}
