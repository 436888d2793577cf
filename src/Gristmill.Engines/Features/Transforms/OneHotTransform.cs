using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>OneHot: a float a frequent value, 1 where the row has it; all 0 for null and other values.</summary>
internal sealed class OneHotTransform : Transform
{
    /// <summary>Values kept unless the plan says otherwise.</summary>
    public const int DefaultValues = 32;

    private const int MaxValues = 4096;

    private readonly InputColumn _column;
    private readonly ValueIndex _index;

    private OneHotTransform(TransformSpec spec, int input, InputColumn column, ValueIndex index)
        : base(spec, [input])
    {
        _column = column;
        _index = index;
        Features = [.. Enumerable.Range(1, index.Count).Select(c => new EncodedFeature($"{column.Name}={index.NameOf(c)}", column.Name, 0))];
    }

    public override ImmutableArray<EncodedFeature> Features { get; }

    public override bool TakesNull => true;

    public override bool UsesKeys => true;

    public static OneHotTransform Fit(TransformSpec spec, int input, FitTable table) =>
        spec.Buckets is > MaxValues
            ? throw PlanErrors.Option(spec, "buckets", $"are {spec.Buckets}", $"Give at most {MaxValues}, or use Category or Hash.")
            : new(spec, input, table.Inputs[input], CategoryTransform.ByFrequency(table, input, spec with { Buckets = spec.Buckets ?? DefaultValues }, spec.Buckets ?? DefaultValues));

    public static OneHotTransform Load(FittedTransform fitted, int input, InputColumn column) =>
        new(fitted.ToSpec(), input, column, CategoryTransform.LoadValues(fitted, 0, column));

    public override BoundTransform Bind(IArrowArray[] columns, long rowBase) =>
        new BoundCodes(new CodeSource(_index, _column, columns[Inputs[0]], rowBase), new Writer(_index.Count));

    public override void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row)
    {
        var code = _index.OfCell(cells[Inputs[0]], text);
        features[.._index.Count].Clear();
        if (code > 0)
        {
            features[code - 1] = 1;
        }
    }

    public override FittedTransform Save() => FittedTransform.Of(Spec) with { Values = [CategoryTransform.SaveValues(_index)] };

    private sealed class Writer(int values) : CodeWriter
    {
        public override void Write(ReadOnlySpan<int> codes, Span<float> matrix, int width)
        {
            for (int i = 0, at = 0; i < codes.Length; i++, at += width)
            {
                matrix.Slice(at, values).Clear();
                if (codes[i] > 0)
                {
                    matrix[at + codes[i] - 1] = 1;
                }
            }
        }
    }
}
