namespace Gristmill.Objects.Statistics;

/// <summary>
/// The most frequent of many values, with a fixed number of counters. A value without one takes a free one, or takes 1 from all: what is more frequent than one in
/// <see cref="Counters"/> is always among them, its count too low by that share of all values at most, and exact as long as there are no more values than counters.
/// Source: Misra, Gries: Finding repeated elements, 1982.
/// </summary>
internal sealed class FrequentValues
{
    public const int Counters = 256;

    /// <summary>Bytes kept of a value; what is longer is told apart by its hash, and shown cut.</summary>
    public const int Shown = 64;

    private readonly Dictionary<ulong, int> _slots = new(Counters);
    private readonly Stack<int> _free = new(Enumerable.Range(0, Counters).Reverse());
    private readonly ulong[] _hashes = new ulong[Counters];
    private readonly long[] _counts = new long[Counters];
    private readonly byte[] _values = new byte[Counters * Shown];
    private readonly int[] _lengths = new int[Counters];

    /// <summary>Adds a value that occurs so often.</summary>
    /// <param name="hash">Its hash.</param>
    /// <param name="value">The value as bytes.</param>
    /// <param name="count">How often.</param>
    public void Add(ulong hash, ReadOnlySpan<byte> value, long count)
    {
        if (_slots.TryGetValue(hash, out int slot))
        {
            _counts[slot] += count;
            return;
        }

        if (_free.Count == 0)
        {
            long least = Math.Min(count, _counts.Min());
            count -= least;
            for (int i = 0; i < Counters; i++)
            {
                if ((_counts[i] -= least) == 0)
                {
                    _slots.Remove(_hashes[i]);
                    _free.Push(i);
                }
            }
        }

        if (count > 0)
        {
            slot = _free.Pop();
            _slots.Add(hash, slot);
            (_hashes[slot], _counts[slot], _lengths[slot]) = (hash, count, value.Length);
            value[..Math.Min(Shown, value.Length)].CopyTo(_values.AsSpan(slot * Shown));
        }
    }

    /// <summary>The most frequent, those of equal counts by their bytes.</summary>
    /// <returns>Of each what is kept of it, whether that is all, and its count.</returns>
    public IReadOnlyList<(byte[] Value, bool IsCut, long Count)> Top(int most) =>
    [
        .. _slots.Values.Select(slot => (Value: _values.AsSpan(slot * Shown, Math.Min(Shown, _lengths[slot])).ToArray(), IsCut: _lengths[slot] > Shown, Count: _counts[slot]))
            .OrderByDescending(static item => item.Count).ThenBy(static item => Convert.ToHexString(item.Value), StringComparer.Ordinal).Take(most),
    ];
}
