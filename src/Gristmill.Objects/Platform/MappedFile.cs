namespace Gristmill.Objects.Platform;

/// <summary>A file mapped for reading, or an object's part of it.</summary>
internal abstract unsafe class MappedFile : MappedMemory
{
    public byte* Pointer { get; protected init; }

    public long Length { get; protected init; }

    /// <summary>Whether it lies on a disk, where it was spilled to.</summary>
    public bool IsSpilled { get; set; }

    /// <summary>Whether it is part of a file that is mapped for others too.</summary>
    public virtual bool IsPart => false;

    /// <summary>Maps all pages now, where the system can.</summary>
    public abstract void Prefault();

    public bool Owns(ReadOnlySpan<byte> memory)
    {
        if (memory.IsEmpty || IsReleased)
        {
            return false;
        }

        fixed (byte* start = memory)
        {
            return start >= Pointer && start + memory.Length <= Pointer + Length;
        }
    }
}
