using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Gristmill.Data.Interop;

/// <summary>Strings made lately, by their bytes. Not safe for several threads.</summary>
internal sealed class TextCache
{
    private const int Slots = 1024;
    private const int Longest = 16;
    private readonly Entry[] _entries = new Entry[Slots];

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
        ref var entry = ref _entries[(int)(((low * 0x9E3779B97F4A7C15) ^ (high * 0xC2B2AE3D27D4EB4F) ^ (ulong)bytes.Length) >> 54)];
        if (entry.Text is not null && entry.Low == low && entry.High == high && entry.Length == bytes.Length)
        {
            return entry.Text;
        }

        entry = new Entry(low, high, bytes.Length, Encoding.UTF8.GetString(bytes));
        return entry.Text!;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong Low, ulong High) Words(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 8)
        {
            return (MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[^8..]));
        }

        ulong low = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            low |= (ulong)bytes[i] << (8 * i);
        }

        return (low, 0);
    }

    private readonly record struct Entry(ulong Low, ulong High, int Length, string? Text);
}
