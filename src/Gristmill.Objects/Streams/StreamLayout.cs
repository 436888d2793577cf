using System.Runtime.InteropServices;

namespace Gristmill.Objects.Streams;

/// <summary>How far a stream is.</summary>
internal enum StreamState
{
    /// <summary>More parts may come.</summary>
    Growing = 0,
    /// <summary>All parts are there.</summary>
    Complete = 1,
    /// <summary>Its writer gave it up; the reason stands behind the parts.</summary>
    Failed = 2,
}

/// <summary>What is known of one of a stream's readers.</summary>
internal enum ReaderState
{
    /// <summary>It has not come yet.</summary>
    Awaited = 0,
    /// <summary>It reads, if it lives: then it has its lock.</summary>
    Reading = 1,
    /// <summary>It wants no more.</summary>
    Left = 2,
}

/// <summary>The first page of a stream's file, which writer and readers have mapped. What only one of them writes is on a cache line of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct StreamHeader
{
    public const int Size = 4096;
    public const long MagicValue = 0x314D_5254_5354_5247; // "GRTSTRM1"

    [FieldOffset(0)]
    public long Magic;

    /// <summary>A <see cref="StreamState"/>; written last.</summary>
    [FieldOffset(8)]
    public int State;

    /// <summary>Bytes of the schema message, which follows the header.</summary>
    [FieldOffset(12)]
    public int SchemaBytes;

    /// <summary>Parts that are there.</summary>
    [FieldOffset(16)]
    public long Parts;

    /// <summary>Bytes of the reason for a failure, as JSON, behind the parts.</summary>
    [FieldOffset(24)]
    public int FailureBytes;

    [FieldOffset(28)]
    public int Readers;

    [FieldOffset(32)]
    public int KeepsParts;

    /// <summary>Parts that were deleted, from the first on.</summary>
    [FieldOffset(64)]
    public long Deleted;
}

/// <summary>What a reader tells the writer.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal struct ReaderSlot
{
    public const int Size = 64;

    /// <summary>Where the first one lies in the header.</summary>
    public const int First = 128;

    /// <summary>A <see cref="ReaderState"/>.</summary>
    [FieldOffset(0)]
    public int State;

    /// <summary>Parts it has read.</summary>
    [FieldOffset(8)]
    public long Read;
}

/// <summary>A part, as it stands in the file.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal struct StreamPart
{
    public const int Size = 48;

    public UInt128 Id;
    public long Rows;
    public long Bytes;

    /// <summary>0: it has none.</summary>
    public ulong Checksum;
    public ulong Reserved;
}
