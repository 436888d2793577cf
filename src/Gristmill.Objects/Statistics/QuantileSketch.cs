namespace Gristmill.Objects.Statistics;

/// <summary>
/// Quantiles of a stream in a few KiB: of any value returned, the rank is off by some 1 % of all values at most, whatever their order. Values wait at levels; one at
/// level h stands for 2^h of them. A full level is sorted, and every other value of it goes one level up.
/// Source: Karnin, Lang, Liberty: Optimal Quantile Approximation in Streams, 2016 (KLL).
/// </summary>
internal sealed class QuantileSketch
{
    private const int Size = 256, Smallest = 8;
    private const double Shrink = 2.0 / 3;
    private readonly List<Level> _levels = [];
    private ulong _random = 0x9E37_79B9_7F4A_7C15; // the same for all: equal tables have equal statistics
    private long _weight;

    /// <summary>Adds a value that stands for 2^level values.</summary>
    public void Add(double value, int level = 0)
    {
        while (_levels.Count <= level)
        {
            _levels.Add(new Level());
        }

        _levels[level].Add(value);
        _weight += 1L << level;
        if (_levels[level].Count >= Capacity(level))
        {
            Compact(level);
        }
    }

    /// <summary>The value below which about this share of all values lie; NaN if there is none.</summary>
    /// <param name="shares">From 0 to 1, rising.</param>
    public double[] Quantiles(ReadOnlySpan<double> shares)
    {
        var values = _levels.SelectMany(static (level, height) => level.Values.Select(value => (Value: value, Weight: 1L << height))).OrderBy(static item => item.Value).ToList();
        double[] found = new double[shares.Length];
        Array.Fill(found, double.NaN);
        long seen = 0;
        int next = 0;
        foreach (var (value, weight) in values)
        {
            seen += weight;
            while (next < shares.Length && seen >= shares[next] * _weight)
            {
                found[next++] = value;
            }
        }

        return found;
    }

    /// <summary>Levels hold the more the higher they are: errors made low weigh little.</summary>
    private int Capacity(int level) => Math.Max(Smallest, (int)Math.Ceiling(Size * Math.Pow(Shrink, _levels.Count - 1 - level)));

    private void Compact(int level)
    {
        var full = _levels[level];
        if (_levels.Count == level + 1)
        {
            _levels.Add(new Level());
        }

        var above = _levels[level + 1];
        var sorted = full.Sort();
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        int pairs = sorted.Length / 2;
        int odd = (int)(_random >> 33 & 1);
        for (int i = 0; i < pairs; i++)
        {
            above.Add(sorted[2 * i + odd]);
        }

        full.KeepLast(sorted.Length - 2 * pairs);
        if (above.Count >= Capacity(level + 1))
        {
            Compact(level + 1);
        }
    }

    private sealed class Level
    {
        private double[] _values = new double[Smallest];

        public int Count { get; private set; }

        public IEnumerable<double> Values => _values.Take(Count);

        public void Add(double value)
        {
            if (Count == _values.Length)
            {
                Array.Resize(ref _values, 2 * Count);
            }

            _values[Count++] = value;
        }

        public ReadOnlySpan<double> Sort()
        {
            var values = _values.AsSpan(0, Count);
            values.Sort();
            return values;
        }

        /// <summary>Keeps the largest, of a sorted level with an odd count, and nothing otherwise.</summary>
        public void KeepLast(int count)
        {
            _values[0] = _values[Count - 1];
            Count = count;
        }
    }
}
