using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Features;

/// <summary>
/// Distinct rows of floats, numbered from 0 in the order in which they first came. Rows are told apart by their bits: NaN equals NaN,
/// 0 and -0 differ. Not safe for several threads.
/// </summary>
/// <param name="width">Floats a row, at least 1.</param>
/// <param name="maxBytes">What the rows held may take; a row more is not taken in.</param>
internal sealed class DistinctRows(int width, int maxBytes = DistinctRows.DefaultMaxBytes)
{
    /// <summary>Little beside what a worker may use; at five features three million different rows.</summary>
    public const int DefaultMaxBytes = 64 << 20;

    private readonly int _most = Math.Max(1, maxBytes / (sizeof(float) * width));

    // A slot holds the upper half of the row's hash, which spares most looks at rows that differ, and its number plus 1; 0 is free.
    private ulong[] _slots = new ulong[1 << 12];
    private float[] _rows = new float[Math.Max(1 << 12, width)];

    /// <summary>Rows held.</summary>
    public int Count { get; private set; }

    /// <summary>All rows one after the other; what is read of it stays when rows are added.</summary>
    public ReadOnlyMemory<float> Rows => _rows.AsMemory(0, Count * width);

    /// <summary>
    /// Whether there is little to find: of <paramref name="seen"/> rows, an eighth of all or more, nearly none came twice. Rows
    /// drawn at random from so many values as would halve them in the end show a tenth of equal ones by then.
    /// </summary>
    public static bool AreRare(long distinct, long seen, long total) => seen >= total / 8 && distinct > 0.95 * seen;

    /// <summary>Its hash, which several threads may compute ahead.</summary>
    public static ulong Hash(ReadOnlySpan<float> row) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(row));

    /// <summary>The row's number; one that is new is added.</summary>
    /// <returns>The number, or -1 for a new row where there is no room.</returns>
    public int FindOrAdd(ReadOnlySpan<float> row) => FindOrAdd(row, Hash(row));

    /// <summary>The row's number; one that is new is added.</summary>
    /// <param name="row">The row.</param>
    /// <param name="hash">Its <see cref="Hash"/>.</param>
    /// <returns>The number, or -1 for a new row where there is no room.</returns>
    public int FindOrAdd(ReadOnlySpan<float> row, ulong hash)
    {
        for (var i = Home(hash); ; i = Next(i))
        {
            var slot = _slots[i];
            if (slot == 0)
            {
                return Count == _most ? -1 : Add(row, hash, i);
            }

            var number = (int)(uint)slot - 1;
            if ((slot ^ hash) >> 32 == 0 && AreEqual(row, Row(number)))
            {
                return number;
            }
        }
    }

    // Rows are short: a loop here beats the call of a vectorised comparison.
    private static bool AreEqual(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        for (var i = 0; i < a.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(a[i]) != BitConverter.SingleToInt32Bits(b[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static ulong Slot(ulong hash, int number) => (hash & 0xFFFF_FFFF_0000_0000) | (uint)(number + 1);

    private int Home(ulong hash) => (int)hash & (_slots.Length - 1);

    private int Next(int slot) => (slot + 1) & (_slots.Length - 1);

    private ReadOnlySpan<float> Row(int number) => _rows.AsSpan(number * width, width);

    private int Add(ReadOnlySpan<float> row, ulong hash, int slot)
    {
        if ((Count + 1) * width > _rows.Length)
        {
            System.Array.Resize(ref _rows, Math.Max((Count + 1) * width, 2 * _rows.Length));
        }

        row.CopyTo(_rows.AsSpan(Count * width));
        _slots[slot] = Slot(hash, Count++);
        if (Count > _slots.Length / 2)
        {
            Grow();
        }

        return Count - 1;
    }

    // The lower half of the hash is not kept: rows are hashed again, which the doubling makes rare.
    private void Grow()
    {
        _slots = new ulong[_slots.Length * 2];
        for (var number = 0; number < Count; number++)
        {
            var hash = Hash(Row(number));
            var i = Home(hash);
            while (_slots[i] != 0)
            {
                i = Next(i);
            }

            _slots[i] = Slot(hash, number);
        }
    }
}
