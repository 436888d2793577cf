namespace Gristmill.Objects.Platform;

/// <summary>A slab mapped by the process that fills it.</summary>
internal abstract unsafe class SlabFile : MappedMemory
{
    public byte* Pointer { get; protected init; }

    public long Length { get; protected init; }

    /// <summary>Gives the memory of whole pages from a position on back; the file keeps its size, so that nobody's mapping ends before its end.</summary>
    public abstract void Trim(long position);
}
