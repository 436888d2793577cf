using System.Buffers.Binary;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Mapping;

/// <summary>Reads what a sealed segment's footer says by plain reads: mapping each of thousands costs far more.</summary>
internal static class SegmentListing
{
    private const int LargestFooter = 1 << 26;

    /// <summary>The reference of a segment; null if the file is gone or is none.</summary>
    public static ObjectRef? TryRead(string path, string id, string host)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            long length = RandomAccess.GetLength(file);
            Span<byte> tail = stackalloc byte[10];
            if (length < 18 || RandomAccess.Read(file, tail, length - 10) != 10 || !tail[4..].SequenceEqual(IpcFile.Magic[..6]))
            {
                return null;
            }

            int footerLength = BinaryPrimitives.ReadInt32LittleEndian(tail);
            long start = length - 10 - footerLength;
            if (footerLength is < 8 or > LargestFooter || start < 8)
            {
                return null;
            }

            byte[] footer = new byte[footerLength];
            return RandomAccess.Read(file, footer, start) == footerLength
                ? IpcFile.ParseFooter(footer, start).Reference(id, length, host)
                : null;
        }
        catch (IOException)
        {
            return null; // deleted since, or being published at this moment
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
        {
            return null; // Get tells what is wrong with it
        }
    }
}
