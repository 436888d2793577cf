namespace Gristmill.Objects.Ipc;

/// <summary>Keys of the footer's metadata; other readers of Arrow ignore them.</summary>
internal static class SegmentFooter
{
    /// <summary>XxHash3 of all bytes before the footer, 16 hexadecimal digits.</summary>
    public const string Checksum = "gristmill.xxh3";

    /// <summary>XxHash3 of the schema message.</summary>
    public const string Fingerprint = "gristmill.schema";

    /// <summary>Rows of all batches.</summary>
    public const string Rows = "gristmill.rows";

    /// <summary>What made it (<see cref="ObjectOwner"/>); absent if unknown.</summary>
    public const string Owner = "gristmill.owner";

    /// <summary>When it was sealed, in milliseconds since 1970.</summary>
    public const string Created = "gristmill.created";
}
