using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>Number, Impute and Standardise: (x or fill - center) / scale.</summary>
internal sealed class NumberTransform : Transform
{
    private readonly InputColumn _column;
    private readonly double _fill;
    private readonly double _center;
    private readonly double _scale;

    public NumberTransform(TransformSpec spec, int input, InputColumn column, double? fill, double center, double scale)
        : base(spec, [input])
    {
        _column = column;
        _fill = fill ?? double.NaN;
        _center = center;
        _scale = scale;
        Features = [new EncodedFeature(column.Name, column.Name, 0)];
    }

    public override ImmutableArray<EncodedFeature> Features { get; }

    public override bool TakesNull => !double.IsNaN(_fill);

    public override bool UsesKeys => false;

    public static NumberTransform Fit(TransformSpec spec, int input, FitTable table)
    {
        var column = table.Inputs[input];
        if (spec.Kind == TransformKind.Number)
        {
            return new NumberTransform(spec, input, column, null, 0, 1);
        }

        if (spec.Kind == TransformKind.Standardise)
        {
            var (mean, deviation) = NumberStatistics.MeanAndDeviation(table, input);
            return new NumberTransform(spec, input, column, mean, mean, deviation > 0 ? deviation : 1);
        }

        var strategy = spec.Strategy ?? (spec.Value is null ? "mean" : "constant");
        return new NumberTransform(spec, input, column, strategy switch
        {
            "mean" => NumberStatistics.MeanAndDeviation(table, input).Mean,
            "median" => NumberStatistics.Median(table, input),
            "constant" => spec.Value ?? throw PlanErrors.Option(spec, "value", "is missing", "Give the constant."),
            _ => throw PlanErrors.Option(spec, "strategy", $"is '{strategy}'", "Use mean, median or constant."),
        }, 0, 1);
    }

    public static NumberTransform Load(FittedTransform fitted, int input, InputColumn column) =>
        new(fitted.ToSpec(), input, column, fitted.Fill, fitted.Center ?? 0, fitted.Scale ?? 1);

    public override BoundTransform Bind(IArrowArray[] columns, long rowBase) => new Bound(this, columns[Inputs[0]], rowBase);

    public override void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row)
    {
        var value = cells[Inputs[0]].Number;
        var feature = Apply(value);
        if (!float.IsFinite(feature))
        {
            throw Bad(value, row);
        }

        features[0] = feature;
    }

    public override FittedTransform Save() => FittedTransform.Of(Spec) with
    {
        Fill = double.IsNaN(_fill) ? null : _fill,
        Center = _center == 0 ? null : _center,
        Scale = _scale == 1 ? null : _scale,
    };

    private float Apply(double value) => (float)(((double.IsNaN(value) ? _fill : value) - _center) / _scale);

    private GristmillException Bad(double value, long row) => double.IsNaN(value)
        ? _column.BadValue(row, "the value is null or NaN", "Impute the column, or filter such rows out.")
        : _column.BadValue(row, $"the value {value.ToString("R", System.Globalization.CultureInfo.InvariantCulture)} does not fit a 32-bit float",
            "Clip the column in SQL, or filter such rows out.");

    private sealed class Bound(NumberTransform owner, IArrowArray array, long rowBase) : BoundTransform
    {
        public override void Encode(int start, int count, Span<float> matrix, int width)
        {
            Span<double> values = stackalloc double[count];
            NumberReader.Read(array, owner._column, start, values);
            for (int i = 0, at = 0; i < values.Length; i++, at += width)
            {
                var feature = owner.Apply(values[i]);
                if (!float.IsFinite(feature))
                {
                    throw owner.Bad(values[i], rowBase + start + i);
                }

                matrix[at] = feature;
            }
        }
    }
}
