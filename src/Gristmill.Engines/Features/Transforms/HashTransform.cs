using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>Hash: code 1 + hash mod buckets, 0 for null. Needs no fitting, and no memory a value.</summary>
internal sealed class HashTransform : Transform
{
    /// <summary>Buckets unless the plan says otherwise.</summary>
    public const int DefaultBuckets = 1024;

    private readonly InputColumn _column;
    private readonly HashCoder _coder;

    public HashTransform(TransformSpec spec, int input, InputColumn column)
        : base(spec, [input])
    {
        var buckets = spec.Buckets ?? DefaultBuckets;
        if (buckets is < 1 or > CategoryTransform.MaxValues)
        {
            throw PlanErrors.Option(spec, "buckets", $"are {buckets}", $"Give 1 to {CategoryTransform.MaxValues}.");
        }

        _column = column;
        _coder = new HashCoder(buckets);
        Features = [new EncodedFeature(column.Name, column.Name, buckets + 1)];
    }

    public override ImmutableArray<EncodedFeature> Features { get; }

    public override bool TakesNull => true;

    public override bool UsesKeys => true;

    public override BoundTransform Bind(IArrowArray[] columns, long rowBase) =>
        new BoundCodes(new CodeSource(_coder, _column, columns[Inputs[0]], rowBase), PlainCodeWriter.Instance);

    public override void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row) =>
        features[0] = _coder.OfCell(cells[Inputs[0]], text);

    public override FittedTransform Save() => FittedTransform.Of(Spec);
}
