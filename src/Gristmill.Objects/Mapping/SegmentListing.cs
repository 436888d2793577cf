using System.Buffers.Binary;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Mapping;

/// <summary>Reads what a sealed segment's footer says by plain reads: mapping each of thousands costs far more.</summary>
internal static class SegmentListing
{
    private const int LargestFooter = 1 << 26;

    /// <summary>What the footer says, or why it cannot be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="part">Where in it the object lies; null: it is all of it.</param>
    /// <param name="id">The object's id.</param>
    /// <param name="host">The host's name.</param>
    public static ObjectDescription Read(string path, (long Start, long Length)? part, string id, string host)
    {
        try
        {
            using var file = SegmentPlatform.Current.OpenRead(path);
            var (first, length) = part ?? (0, RandomAccess.GetLength(file));
            Span<byte> tail = stackalloc byte[10];
            if (length < 18 || RandomAccess.Read(file, tail, first + length - 10) != 10 || !tail[4..].SequenceEqual(IpcFile.Magic[..6]))
            {
                return Unreadable("it does not end as an Arrow file: it was cut off, or is another format");
            }

            int footerLength = BinaryPrimitives.ReadInt32LittleEndian(tail);
            long start = length - 10 - footerLength;
            if (footerLength is < 8 or > LargestFooter || start < 8)
            {
                return Unreadable($"its footer claims {footerLength} bytes in a file of {length}");
            }

            byte[] footer = new byte[footerLength];
            return RandomAccess.Read(file, footer, first + start) == footerLength
                ? Describe(IpcFile.ParseFooter(footer, start), id, length, host)
                : Unreadable("it was cut off while it was read");
        }
        catch (IOException e)
        {
            return Unreadable(e.Message); // deleted since
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
        {
            return Unreadable(e.Message);
        }
    }

    private static ObjectDescription Describe(IpcFile ipc, string id, long length, string host) => new()
    {
        Ref = ipc.Reference(id, length, host),
        Schema = ipc.Schema,
        Batches = ipc.Batches.Length,
        // Whatever stands there is shown to people.
        Owner = ipc.Metadata.Owner is { } owner && ObjectOwner.IsValid(owner) ? owner : null,
        StatisticsText = ipc.Metadata.Statistics,
        Created = ipc.Metadata.Created is { } milliseconds && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null,
    };

    private static ObjectDescription Unreadable(string reason) => new() { Problem = reason };
}
