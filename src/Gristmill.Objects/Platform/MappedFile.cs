namespace Gristmill.Objects.Platform;

/// <summary>A whole file mapped for reading.</summary>
internal abstract unsafe class MappedFile : MappedMemory
{
    public byte* Pointer { get; protected init; }

    public long Length { get; protected init; }

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
