using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Features;

/// <summary>
/// Distinct rows of floats, numbered from 0 in the order in which they first came. Rows are told apart by their bits: NaN equals NaN,
/// 0 and -0 differ. Not safe for several threads.
/// </summary>
internal sealed class DistinctRows(int width)
{
    // A slot holds the upper half of the row's hash, which spares most looks at rows that differ, and its number plus 1; 0 is free.
    private ulong[] _slots = new ulong[1 << 12];
    private float[] _rows = new float[Math.Max(1, width) << 10];

    /// <summary>Rows held.</summary>
    public int Count { get; private set; }

    /// <summary>Most rows that can be held: an array's length bounds them.</summary>
    public int Capacity { get; } = System.Array.MaxLength / Math.Max(1, width);

    /// <summary>
    /// Whether telling rows apart has shown itself idle: of <paramref name="seen"/> rows, an eighth of all or more, nearly none came
    /// twice. Rows drawn at random from so many values as would halve them in the end show a tenth of equal ones by then.
    /// </summary>
    public static bool Idle(long distinct, long seen, long total) => seen >= total / 8 && distinct > 0.95 * seen;

    /// <summary>All rows one after the other; valid until the next row is added, and then still unchanged.</summary>
    public ReadOnlyMemory<float> Rows => _rows.AsMemory(0, Count * width);

    /// <summary>The row's number; adds it if it is new and there is room.</summary>
    /// <returns>The number, or -1 for a new row that was not to be added.</returns>
    public int Find(ReadOnlySpan<float> row, bool add)
    {
        var hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(row));
        var mask = _slots.Length - 1;
        for (var i = (int)hash & mask; ; i = (i + 1) & mask)
        {
            var slot = _slots[i];
            if (slot == 0)
            {
                if (!add || Count == Capacity)
                {
                    return -1;
                }

                Append(row);
                _slots[i] = (hash & 0xFFFF_FFFF_0000_0000) | (uint)Count;
                if (Count > _slots.Length / 2)
                {
                    Grow();
                }

                return Count - 1;
            }

            if ((slot ^ hash) >> 32 == 0)
            {
                var number = (int)(uint)slot - 1;
                if (MemoryMarshal.AsBytes(row).SequenceEqual(MemoryMarshal.AsBytes(_rows.AsSpan(number * width, width))))
                {
                    return number;
                }
            }
        }
    }

    private void Append(ReadOnlySpan<float> row)
    {
        if ((Count + 1) * width > _rows.Length)
        {
            System.Array.Resize(ref _rows, (int)Math.Min(2L * _rows.Length, (long)Capacity * width));
        }

        row.CopyTo(_rows.AsSpan(Count++ * width));
    }

    // The lower half of the hash is not kept: rows are hashed again, which the doubling makes rare.
    private void Grow()
    {
        var slots = new ulong[_slots.Length * 2];
        for (var number = 0; number < Count; number++)
        {
            var hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(_rows.AsSpan(number * width, width)));
            var i = (int)hash & (slots.Length - 1);
            while (slots[i] != 0)
            {
                i = (i + 1) & (slots.Length - 1);
            }

            slots[i] = (hash & 0xFFFF_FFFF_0000_0000) | (uint)(number + 1);
        }

        _slots = slots;
    }
}
