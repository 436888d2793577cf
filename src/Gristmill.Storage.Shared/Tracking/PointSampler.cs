namespace Gristmill.Storage;

/// <summary>
/// Thins a curve out without changing how it looks: of each of many equal ranges of steps it keeps the first, lowest, highest and last point, and one
/// that is no number if there is any (M4: Jugel, Jerzak, Hackenbroich and Markl, VLDB 2014). A curve that is short enough stays whole.
/// </summary>
internal sealed class PointSampler
{
    private const int PerBucket = 4;

    private readonly Bucket[]? _buckets;
    private readonly List<MetricPoint> _all = [];
    private readonly long _first;
    private readonly double _scale;

    /// <param name="wanted">The most points wanted, at least one.</param>
    /// <param name="atMost">The most that will be added.</param>
    /// <param name="first">The lowest step.</param>
    /// <param name="last">The highest step.</param>
    public PointSampler(int wanted, long atMost, long first, long last)
    {
        _first = first;
        if (atMost > wanted)
        {
            _buckets = new Bucket[Math.Max(1, wanted / PerBucket)];
            _scale = _buckets.Length / (unchecked((ulong)(last - first)) + 1.0);
        }
    }

    /// <summary>Points added.</summary>
    public long Total { get; private set; }

    public void Add(in MetricPoint point)
    {
        Total++;
        if (_buckets is null)
        {
            _all.Add(point);
            return;
        }

        ref var bucket = ref _buckets[Math.Clamp((int)(unchecked((ulong)(point.Step - _first)) * _scale), 0, _buckets.Length - 1)];
        if (double.IsNaN(point.Value))
        {
            bucket.NotANumber ??= point;
            return;
        }

        if (bucket.First is not { } known)
        {
            bucket.First = bucket.Last = bucket.Lowest = bucket.Highest = point;
            return;
        }

        bucket.First = point.Step < known.Step ? point : known;
        bucket.Last = point.Step >= bucket.Last!.Value.Step ? point : bucket.Last;
        bucket.Lowest = point.Value < bucket.Lowest!.Value.Value ? point : bucket.Lowest;
        bucket.Highest = point.Value > bucket.Highest!.Value.Value ? point : bucket.Highest;
    }

    /// <summary>What is left, by step.</summary>
    public List<MetricPoint> Points()
    {
        var points = _buckets is null ? _all : [.. _buckets.SelectMany(static bucket => bucket.Points())];
        // Stable: points of one step stay in the order they were logged.
        return [.. points.OrderBy(static point => point.Step)];
    }

    private struct Bucket
    {
        public MetricPoint? First, Last, Lowest, Highest, NotANumber;

        public readonly IEnumerable<MetricPoint> Points() =>
            new[] { First, Lowest, Highest, Last, NotANumber }.OfType<MetricPoint>().Distinct();
    }
}
