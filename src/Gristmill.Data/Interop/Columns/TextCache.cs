using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Gristmill.Data.Interop;

/// <summary>Strings made lately, by their bytes. Not safe for several threads.</summary>
internal sealed class TextCache
{
    // 8 KiB: more would push out of the first cache what the loop reads.
    private const int Slots = 256;
    private const int Longest = 16;
    private readonly Entry[] _entries = new Entry[Slots];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public string Get(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 0)
        {
            return "";
        }

        if (bytes.Length > Longest)
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var (low, high) = Words(bytes);
        ref var entry = ref _entries[(int)(((low * 0x9E3779B97F4A7C15) ^ (high * 0xC2B2AE3D27D4EB4F) ^ (ulong)bytes.Length) >> 56)];
        if (entry.Text is not null && entry.Low == low && entry.High == high && entry.Length == bytes.Length)
        {
            return entry.Text;
        }

        entry = new Entry(low, high, bytes.Length, Encoding.UTF8.GetString(bytes));
        return entry.Text!;
    }

    /// <summary>All bytes of up to 16 in two numbers; those of short ones more than once. With the length they tell texts apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong Low, ulong High) Words(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        >= 8 => (MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[^8..])),
        >= 4 => (MemoryMarshal.Read<uint>(bytes), MemoryMarshal.Read<uint>(bytes[^4..])),
        _ => ((ulong)(bytes[0] | (bytes[bytes.Length >> 1] << 8) | (bytes[^1] << 16)), 0),
    };

    private readonly record struct Entry(ulong Low, ulong High, int Length, string? Text);
}
