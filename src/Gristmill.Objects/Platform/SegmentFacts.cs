namespace Gristmill.Objects.Platform;

/// <summary>What the system knows of a file.</summary>
/// <param name="IsFile">Whether it is a plain file: no link, pipe or device.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Modified">When it was written last.</param>
/// <param name="Accessed">When it was mapped last, or written.</param>
/// <param name="Inode">Its number on its file system; 0 where there is none.</param>
internal readonly record struct SegmentFacts(bool IsFile, long Bytes, DateTimeOffset Modified, DateTimeOffset Accessed, ulong Inode);
