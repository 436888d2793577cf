namespace Gristmill.Engines.Sql.Interop;

/// <summary>Appends bits to a zeroed bitmap a word at a time. The bitmap's length is a multiple of 8 bytes.</summary>
internal unsafe struct BitAppender(byte* bitmap)
{
    private readonly ulong* _words = (ulong*)bitmap;
    private long _position;

    /// <summary>Bytes of a bitmap for so many bits.</summary>
    public static int Bytes(int bits) => (bits + 63) / 64 * 8;

    /// <summary>Appends the lowest bits; those above count must be 0.</summary>
    public void Append(ulong bits, int count)
    {
        var shift = (int)(_position & 63);
        var word = _words + (_position >> 6);
        *word |= bits << shift;
        if (shift + count > 64)
        {
            word[1] |= bits >> (64 - shift);
        }

        _position += count;
    }
}
