namespace Gristmill.Objects.Platform;

/// <summary>
/// A file that is being written through memory. It grows, and what was placed never moves; it is locked as long as its
/// writer lives, so that others know a dead one's.
/// </summary>
internal abstract unsafe class SegmentFile : MappedMemory
{
    /// <summary>Bytes reserved so far: the file's size.</summary>
    public abstract long Reserved { get; }

    /// <summary>What was here before lies below this position, where nothing was written since: 0 for a new file, whose bytes are all zero.</summary>
    public virtual long Dirty => 0;

    /// <summary>
    /// Reserves room for bytes at or behind a position, all in one piece of memory and aligned as the position is (to 64
    /// at most).
    /// </summary>
    /// <returns>Where the room starts.</returns>
    public abstract long Place(long position, long bytes);

    /// <summary>Makes the pages of placed room ready for being written through memory.</summary>
    public virtual void Populate(long position, long bytes) { }

    /// <summary>Copies bytes to a placed position.</summary>
    public virtual void Write(long position, ReadOnlySpan<byte> bytes) => bytes.CopyTo(new Span<byte>(At(position), bytes.Length));

    /// <summary>The memory of a placed position.</summary>
    public abstract byte* At(long position);

    /// <summary>Bytes from a position on that lie in one piece of memory.</summary>
    public abstract long RunFrom(long position);

    /// <summary>The position of memory inside the segment, or -1.</summary>
    public abstract long Locate(byte* memory, long bytes);

    /// <summary>Makes what was written up to a length an object, for all to see at once: a file of that length, read-only and unmapped here, under its final name.</summary>
    /// <returns>The object's id.</returns>
    public abstract string Publish(long length);
}
