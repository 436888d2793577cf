namespace Gristmill.Objects.Writing;

/// <summary>Copies bits that do not start at a byte.</summary>
internal static class BitCopy
{
    /// <summary>Copies bits to the start of the target; the last byte's other bits become 0.</summary>
    public static void Copy(ReadOnlySpan<byte> source, int bitOffset, int bitCount, Span<byte> target)
    {
        int bytes = (bitCount + 7) / 8, start = bitOffset / 8, shift = bitOffset % 8;
        for (int i = 0; i < bytes; i++)
        {
            int low = source[start + i] >> shift;
            int high = shift > 0 && start + i + 1 < source.Length ? source[start + i + 1] << (8 - shift) : 0;
            target[i] = (byte)(low | high);
        }

        if (bitCount % 8 != 0)
        {
            target[bytes - 1] &= (byte)((1 << bitCount % 8) - 1);
        }
    }
}
