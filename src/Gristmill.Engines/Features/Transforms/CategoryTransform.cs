using System.Collections.Immutable;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>Category: the code of a value, by falling frequency, ties in the order of values.</summary>
internal sealed class CategoryTransform : Transform
{
    /// <summary>Above this, a float no longer tells two codes apart.</summary>
    public const int MaxValues = (1 << 24) - 1;

    private readonly InputColumn _column;
    private readonly ValueIndex _index;

    private CategoryTransform(TransformSpec spec, int input, InputColumn column, ValueIndex index)
        : base(spec, [input])
    {
        _column = column;
        _index = index;
        Features = [new EncodedFeature(column.Name, column.Name, index.Count + 1)];
    }

    public override ImmutableArray<EncodedFeature> Features { get; }

    public override bool TakesNull => true;

    public override bool UsesKeys => true;

    public static CategoryTransform Fit(TransformSpec spec, int input, FitTable table) =>
        new(spec, input, table.Inputs[input], ByFrequency(table, input, spec, spec.Buckets ?? MaxValues));

    public static CategoryTransform Load(FittedTransform fitted, int input, InputColumn column) =>
        new(fitted.ToSpec(), input, column, LoadValues(fitted, 0, column));

    public override BoundTransform Bind(IArrowArray[] columns, long rowBase) =>
        new BoundCodes(new CodeSource(_index, _column, columns[Inputs[0]], rowBase), PlainCodeWriter.Instance);

    public override void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row) =>
        features[0] = _index.OfCell(cells[Inputs[0]], text);

    public override FittedTransform Save() => FittedTransform.Of(Spec) with { Values = [SaveValues(_index)] };

    /// <summary>The most frequent values of a column, most frequent first.</summary>
    internal static ValueIndex ByFrequency(FitTable table, int input, TransformSpec spec, int most)
    {
        if (most is < 1 or > MaxValues)
        {
            throw PlanErrors.Option(spec, "buckets", $"are {most}", $"Give 1 to {MaxValues}.");
        }

        var (index, codes) = table.Codes(input);
        var counts = new int[index.Count + 1];
        foreach (var code in codes)
        {
            counts[code]++;
        }

        // Values that only stand in a dictionary, and in no row, have no count.
        var order = Enumerable.Range(1, index.Count).Where(c => counts[c] > 0).ToArray();
        System.Array.Sort(order, (a, b) => counts[b] != counts[a] ? counts[b].CompareTo(counts[a]) : index.CompareValues(a, b));
        if (spec.Buckets is null && order.Length > most)
        {
            throw PlanErrors.Option(spec, "values", $"are {order.Length}, more than {most}", "Use Hash, or set buckets.");
        }

        return index.Take(order.Take(most));
    }

    internal static ImmutableArray<string> SaveValues(ValueIndex index) =>
        [.. Enumerable.Range(1, index.Count).Select(index.NameOf)];

    internal static ValueIndex LoadValues(FittedTransform fitted, int column, InputColumn input)
    {
        var index = new ValueIndex(input.Type);
        var values = fitted.Values!.Value[column];
        foreach (var value in values)
        {
            index.AddName(value);
        }

        return index.Count == values.Length ? index : throw new FormatException($"the values of '{input.Name}' are not distinct");
    }
}
