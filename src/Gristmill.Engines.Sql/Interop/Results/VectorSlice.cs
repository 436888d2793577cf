using System.Numerics;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// Some rows of one flat DuckDB vector, in order: a range, or for list children that do not lie in order, a selection.
/// Valid while the chunk it belongs to is alive.
/// </summary>
internal readonly unsafe struct VectorSlice
{
    public VectorSlice(nint vector, int start, int count, int[]? selection = null)
    {
        Vector = vector;
        Start = start;
        Count = count;
        Selection = selection;
        Data = (byte*)NativeDuck.VectorGetData(vector);
        Validity = NativeDuck.VectorGetValidity(vector);
    }

    public nint Vector { get; }

    public int Start { get; }

    public int Count { get; }

    /// <summary>Row numbers in the vector, <see cref="Count"/> of them, or null for the range.</summary>
    public int[]? Selection { get; }

    public byte* Data { get; }

    /// <summary>A bit per row of the vector, 1 where there is a value; null where all rows have one.</summary>
    public ulong* Validity { get; }

    /// <summary>The row of the vector behind the i-th row of the slice.</summary>
    public int Row(int i) => Selection is null ? Start + i : Selection[i];

    public bool IsValid(int i)
    {
        if (Validity is null)
        {
            return true;
        }

        var row = Row(i);
        return (Validity[row >> 6] >> (row & 63) & 1) != 0;
    }

    /// <summary>Validity of up to 64 rows from the i-th of a range, lowest bit first; bits past the end are 0.</summary>
    public ulong ValidBits(int i, int count)
    {
        var mask = count == 64 ? ulong.MaxValue : (1UL << count) - 1;
        if (Validity is null)
        {
            return mask;
        }

        if (Selection is not null)
        {
            ulong gathered = 0;
            for (var k = 0; k < count; k++)
            {
                gathered |= (IsValid(i + k) ? 1UL : 0) << k;
            }

            return gathered;
        }

        var row = Start + i;
        var shift = row & 63;
        var bits = Validity[row >> 6] >> shift;
        if (shift + count > 64)
        {
            bits |= Validity[(row >> 6) + 1] << (64 - shift);
        }

        return bits & mask;
    }

    public int CountNulls()
    {
        if (Validity is null)
        {
            return 0;
        }

        var valid = 0;
        for (var i = 0; i < Count; i += 64)
        {
            valid += BitOperations.PopCount(ValidBits(i, Math.Min(64, Count - i)));
        }

        return Count - valid;
    }
}
