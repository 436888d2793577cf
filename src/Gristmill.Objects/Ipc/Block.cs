namespace Gristmill.Objects.Ipc;

/// <summary>Where a message lies in a file.</summary>
/// <param name="Offset">Start of its metadata, length prefix included.</param>
/// <param name="MetadataLength">Bytes of metadata with prefix and padding; the body follows.</param>
/// <param name="BodyLength">Bytes of the body.</param>
internal readonly record struct Block(long Offset, int MetadataLength, long BodyLength)
{
    /// <summary>Start of the body.</summary>
    public long Body => Offset + MetadataLength;
}
