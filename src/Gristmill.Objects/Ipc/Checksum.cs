using System.Globalization;
using System.IO.Hashing;

namespace Gristmill.Objects.Ipc;

/// <summary>XxHash3 over ranges longer than a span.</summary>
internal static class Checksum
{
    private const int Piece = 1 << 30;

    public static string Of(ReadOnlySpan<byte> bytes) => Show(XxHash3.HashToUInt64(bytes));

    public static unsafe string Of(byte* start, long length)
    {
        var hash = new XxHash3();
        Append(hash, start, length);
        return Show(hash.GetCurrentHashAsUInt64());
    }

    public static unsafe void Append(XxHash3 hash, byte* start, long length)
    {
        for (long at = 0; at < length; at += Piece)
        {
            hash.Append(new ReadOnlySpan<byte>(start + at, (int)Math.Min(Piece, length - at)));
        }
    }

    public static string Show(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}
