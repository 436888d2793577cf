using System.Runtime.InteropServices;

namespace Gristmill.Engines.Features;

/// <summary>Rows of one range of a table, encoded and with their hashes, on the way to the <see cref="DistinctPart"/>s.</summary>
internal sealed class MergeScratch(int most, int width)
{
    private readonly float[] _encoded = new float[most * width];
    private readonly float[] _labels = new float[most];
    private readonly float[] _rows = new float[most * (width + 1)];
    private readonly ulong[] _hashes = new ulong[most];

    public ReadOnlySpan<ulong> Hashes => _hashes;

    /// <summary>Encodes a range.</summary>
    public void Encode(BoundRows rows, LabelEncoder.BoundLabel labels, RowRange range)
    {
        rows.Encode(range.Start, range.Count, _encoded.AsSpan(0, range.Count * width));
        labels.Read(range.Start, _labels.AsSpan(0, range.Count));
        for (var r = 0; r < range.Count; r++)
        {
            var row = _rows.AsSpan(r * (width + 1), width + 1);
            _encoded.AsSpan(r * width, width).CopyTo(row);
            row[width] = _labels[r];
            _hashes[r] = DistinctRows.Hash(row);
        }
    }

    /// <summary>A row, its label last.</summary>
    public ReadOnlySpan<float> Row(int r) => _rows.AsSpan(r * (width + 1), width + 1);
}

/// <summary>The distinct rows of one share of all hashes, how often each comes, and where it first came.</summary>
internal sealed class DistinctPart(int width)
{
    private readonly DistinctRows _rows = new(width);
    private readonly List<int> _counts = [];
    private readonly List<long> _firsts = [];

    public int Count => _rows.Count;

    /// <summary>Whether a row found no room: what is counted is incomplete.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Counts the rows of a range whose hash falls to this part.</summary>
    public void Take(MergeScratch scratch, RowRange range, int part, int parts)
    {
        var hashes = scratch.Hashes[..range.Count];
        for (var r = 0; r < hashes.Length && !IsFull; r++)
        {
            // The upper half as a fraction of all: the table in the part goes by the lower half.
            if ((int)((hashes[r] >> 32) * (uint)parts >> 32) != part)
            {
                continue;
            }

            var number = _rows.FindOrAdd(scratch.Row(r), hashes[r]);
            if (number == _counts.Count)
            {
                _counts.Add(1);
                _firsts.Add(range.RowInTable + r);
            }
            else if (number >= 0)
            {
                CollectionsMarshal.AsSpan(_counts)[number]++;
            }
            else
            {
                IsFull = true;
            }
        }
    }

    /// <summary>The row of the table in which one first came.</summary>
    public long First(int number) => _firsts[number];

    /// <summary>One of the rows, and how often it comes.</summary>
    public (ReadOnlyMemory<float> Row, int Times) At(int number) => (_rows.Rows.Slice(number * width, width), _counts[number]);
}
