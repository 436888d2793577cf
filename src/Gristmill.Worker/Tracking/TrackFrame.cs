using System.Buffers.Binary;
using System.Text;

namespace Gristmill.Worker;

/// <summary>What an entry of a track frame is. Values are the wire format.</summary>
internal enum TrackEntry : byte
{
    /// <summary>A metric's number in this attempt (int32), and its name.</summary>
    Name = 1,
    /// <summary>A point: the metric's number (int32), step, milliseconds since 1970 (int64 each), value (float64).</summary>
    Point = 2,
    /// <summary>A parameter's name and value.</summary>
    Param = 3,
    /// <summary>A tag's name and value.</summary>
    Tag = 4,
    /// <summary>An artifact: path, digest, bytes and milliseconds since 1970 (int64 each).</summary>
    Artifact = 5,
}

/// <summary>
/// The entries of a frame, one after the other: kind (byte), then fields; little endian, texts as length (uint16) and UTF-8. A metric's name is
/// sent once an attempt.
/// </summary>
internal static class TrackFrame
{
    /// <summary>Bytes of a point.</summary>
    public const int PointBytes = 1 + 4 + 8 + 8 + 8;

    /// <summary>The most bytes of an entry: two texts of the longest, or an artifact.</summary>
    public const int MaxEntryBytes = 1 + 16 + (2 * 2) + (3 * (TrackRules.MaxName + TrackRules.MaxValue));

    public static void Point(Span<byte> to, int metric, long step, long time, double value)
    {
        to[0] = (byte)TrackEntry.Point;
        BinaryPrimitives.WriteInt32LittleEndian(to[1..], metric);
        BinaryPrimitives.WriteInt64LittleEndian(to[5..], step);
        BinaryPrimitives.WriteInt64LittleEndian(to[13..], time);
        BinaryPrimitives.WriteDoubleLittleEndian(to[21..], value);
    }

    public static int Name(Span<byte> to, int metric, string name)
    {
        to[0] = (byte)TrackEntry.Name;
        BinaryPrimitives.WriteInt32LittleEndian(to[1..], metric);
        return 5 + Text(to[5..], name);
    }

    public static int Pair(Span<byte> to, TrackEntry kind, string name, string value)
    {
        to[0] = (byte)kind;
        var written = 1 + Text(to[1..], name);
        return written + Text(to[written..], value);
    }

    public static int Artifact(Span<byte> to, TrackedArtifact artifact)
    {
        var written = Pair(to, TrackEntry.Artifact, artifact.Path, artifact.Digest);
        BinaryPrimitives.WriteInt64LittleEndian(to[written..], artifact.Bytes);
        BinaryPrimitives.WriteInt64LittleEndian(to[(written + 8)..], artifact.Time);
        return written + 16;
    }

    private static int Text(Span<byte> to, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text, to[2..]);
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)bytes);
        return 2 + bytes;
    }
}
