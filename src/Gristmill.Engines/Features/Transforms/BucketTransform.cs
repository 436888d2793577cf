using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>Bucketise: code 1 + number of bounds at or below x, 0 for null and NaN. Bounds are the distinct quantiles k / buckets.</summary>
internal sealed class BucketTransform : Transform
{
    /// <summary>Buckets unless the plan says otherwise.</summary>
    public const int DefaultBuckets = 10;

    private const int MaxBuckets = 65_536;

    private readonly InputColumn _column;
    private readonly double[] _bounds;

    private BucketTransform(TransformSpec spec, int input, InputColumn column, double[] bounds)
        : base(spec, [input])
    {
        _column = column;
        _bounds = bounds;
        Features = [new EncodedFeature(column.Name, column.Name, bounds.Length + 2)];
    }

    public override ImmutableArray<EncodedFeature> Features { get; }

    public override bool TakesNull => true;

    public override bool UsesKeys => false;

    public static BucketTransform Fit(TransformSpec spec, int input, FitTable table)
    {
        var buckets = spec.Buckets ?? DefaultBuckets;
        if (buckets is < 2 or > MaxBuckets)
        {
            throw PlanErrors.Option(spec, "buckets", $"are {buckets}", $"Give 2 to {MaxBuckets}.");
        }

        var sorted = NumberStatistics.Sorted(table, input);
        var bounds = new List<double>(buckets);
        for (var k = 1; k < buckets; k++)
        {
            var bound = sorted[(int)((long)k * sorted.Length / buckets)];
            // The smallest value bounds nothing: no row lies below it.
            if (double.IsFinite(bound) && bound > sorted[0] && (bounds.Count == 0 || bound > bounds[^1]))
            {
                bounds.Add(bound);
            }
        }

        return new BucketTransform(spec, input, table.Inputs[input], [.. bounds]);
    }

    public static BucketTransform Load(FittedTransform fitted, int input, InputColumn column)
    {
        var bounds = fitted.Bounds!.Value.ToArray();
        for (var i = 1; i < bounds.Length; i++)
        {
            if (!(bounds[i] > bounds[i - 1]))
            {
                throw new FormatException($"the bounds of '{column.Name}' do not rise");
            }
        }

        return new BucketTransform(fitted.ToSpec(), input, column, bounds);
    }

    public override BoundTransform Bind(IArrowArray[] columns, long rowBase) => new Bound(this, columns[Inputs[0]]);

    public override void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row) =>
        features[0] = CodeOf(cells[Inputs[0]].Number);

    public override FittedTransform Save() => FittedTransform.Of(Spec) with { Bounds = [.. _bounds] };

    private int CodeOf(double value)
    {
        if (double.IsNaN(value))
        {
            return 0;
        }

        int low = 0, high = _bounds.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_bounds[middle] <= value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low + 1;
    }

    private sealed class Bound(BucketTransform owner, IArrowArray array) : BoundTransform
    {
        public override void Encode(int start, int count, Span<float> matrix, int width)
        {
            Span<double> values = stackalloc double[count];
            NumberReader.Read(array, owner._column, start, values);
            for (int i = 0, at = 0; i < values.Length; i++, at += width)
            {
                matrix[at] = owner.CodeOf(values[i]);
            }
        }
    }
}
