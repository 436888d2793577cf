using System.Buffers;
using System.Net.Sockets;
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
    /// <param name="name">Its names.</param>
    /// <param name="reserve">Bytes to reserve at once.</param>
    /// <param name="likely">Bytes that it may grow to: a file of about that size is written again, if there is one.</param>
    /// <param name="budget">Asked before each growth; has files to write again.</param>
    public abstract SegmentFile Create(SegmentName name, long reserve, long likely, StoreBudget budget);

    /// <summary>Whether small objects can share segments here: it takes shared memory that one process writes while others read it, and locks of its parts.</summary>
    public virtual bool HasSlabs => false;

    /// <summary>Makes an empty slab, for this process to fill; null if there is no room.</summary>
    /// <param name="building">A name that nobody else uses, for as long as it is being made.</param>
    /// <param name="path">Its name.</param>
    /// <param name="bytes">Its size, which stays.</param>
    /// <param name="budget">Asked before.</param>
    /// <param name="patience">How long to wait for readers to leave.</param>
    public virtual SlabFile? CreateSlab(string building, string path, long bytes, StoreBudget budget, TimeSpan patience) => throw new PlatformNotSupportedException();

    /// <summary>Takes an object of a slab away; true for one caller of all processes, null if the slab is not there (any more).</summary>
    /// <param name="path">The slab.</param>
    /// <param name="position">Where the object's entry starts.</param>
    /// <param name="isSpent">Whether the slab may have no objects now and get none any more.</param>
    public virtual bool? DeleteFromSlab(string path, long position, out bool isSpent) => throw new PlatformNotSupportedException();

    /// <summary>Removes a slab that has no objects and that no living process writes or reads.</summary>
    public virtual bool RemoveSpentSlab(string path) => false;

    /// <summary>Maps a file, which is held as long as the mapping lives; null if it does not exist.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hold">False for a file that this process has locked itself.</param>
    public abstract MappedFile? Open(string path, bool hold = true);

    /// <summary>Opens a file for plain reads, without a lock that others would take for a mapping.</summary>
    public abstract SafeFileHandle OpenRead(string path);

    /// <summary>Sends a range of a file to a socket that blocks.</summary>
    public virtual void Send(Socket to, SafeFileHandle file, long position, int length)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            for (int at = 0; at < length;)
            {
                int read = RandomAccess.Read(file, buffer.AsSpan(at, length - at), position + at);
                at += read > 0 ? read : throw new IOException("The file ends.");
            }

            for (int at = 0; at < length;)
            {
                at += to.Send(buffer.AsSpan(at, length - at));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Whether a living process writes a segment or has it mapped.</summary>
    public abstract bool IsHeld(string path);

    /// <summary>Removes a segment unless a living process writes it or has it mapped. False also if it is not there.</summary>
    /// <param name="path">The segment.</param>
    /// <param name="guard">A file that keeps the segment as long as it exists; it is asked for when nobody can map the segment any more.</param>
    /// <param name="before">Called when it is about to be removed, and nobody can change it; it may forbid that.</param>
    /// <param name="pool">Where its file is kept if there is room; null: nowhere.</param>
    public abstract bool RemoveUnlessHeld(string path, string? guard = null, Func<bool>? before = null, SegmentPool? pool = null);

    /// <summary>Removes a file that has no name any more by which anybody opens it. Who has it mapped reads on.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pool">Where it is kept if there is room and nobody has it mapped; null: nowhere.</param>
    /// <returns>False: somebody else did, or took it to write it again.</returns>
    public abstract bool Discard(string path, SegmentPool? pool);

    /// <summary>Unmaps what was written in a folder and is kept mapped to be written again.</summary>
    public virtual void LetGo(string directory) { }

    /// <summary>Keeps a slab that nobody fills from being changed, until it is disposed of; null where that cannot be had at once.</summary>
    public virtual IDisposable? LockSlab(string path) => null;

    /// <summary>Writes a file of this content, which counts as being written until it is disposed of; null, and no file, if there is no room.</summary>
    public abstract unsafe IDisposable? Write(string path, byte* start, long length, bool readOnly);

    /// <summary>Takes a lock file for this process alone, until it is disposed of; null if another has it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="wait">Whether to wait for the other.</param>
    public abstract IDisposable? LockFolder(string path, bool wait);

    /// <summary>What a file is; null if it does not exist.</summary>
    public abstract SegmentFacts? Examine(string path);

    /// <summary>The processes that hold files of a folder, by <see cref="SegmentFacts.Inode"/>; null where the system does not tell.</summary>
    public abstract ILookup<ulong, int>? Holders(string directory);

    /// <summary>Flushes a file or folder to its disk.</summary>
    public abstract void Flush(string path);
}
