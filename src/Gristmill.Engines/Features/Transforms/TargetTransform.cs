using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>
/// TargetEncode: (sum of the label over rows with the key + m * overall mean) / (rows with the key + m), which is Micci-Barreca's
/// blend with n / (n + m) as the weight (A preprocessing scheme for high-cardinality categorical attributes, SIGKDD Explorations 3(1),
/// 2001, equation 4). Unseen keys and keys with a null part get the overall mean.
/// </summary>
internal sealed class TargetTransform : Transform
{
    /// <summary>m unless the plan says otherwise.</summary>
    public const double DefaultSmoothing = 50;

    private readonly ImmutableArray<InputColumn> _columns;
    private readonly ImmutableArray<ValueIndex> _indexes;
    private readonly KeyChain _chain;
    private readonly double[] _encodings;
    private readonly float[] _byKey;
    private readonly double _prior;

    private TargetTransform(TransformSpec spec, ImmutableArray<int> inputs, ImmutableArray<InputColumn> columns,
        ImmutableArray<ValueIndex> indexes, KeyChain chain, double[] encodings, double prior)
        : base(spec, inputs)
    {
        _columns = columns;
        _indexes = indexes;
        _chain = chain;
        _encodings = encodings;
        _prior = prior;
        _byKey = [(float)prior, .. encodings.Select(e => (float)e)];
        var name = string.Join("+", columns.Select(c => c.Name));
        Features = [new EncodedFeature($"target({name})", columns[0].Name, 0)];
    }

    public override ImmutableArray<EncodedFeature> Features { get; }

    public override bool TakesNull => true;

    public override bool UsesKeys => true;

    public static TargetTransform Fit(TransformSpec spec, ImmutableArray<int> inputs, FitTable table)
    {
        var smoothing = spec.Smoothing ?? DefaultSmoothing;
        if (!(smoothing >= 0) || !double.IsFinite(smoothing))
        {
            throw PlanErrors.Option(spec, "smoothing", $"is {smoothing}", "Give a number of rows, 0 or more.");
        }

        var label = table.Label(spec);
        var (first, keys) = table.Codes(inputs[0]);
        var indexes = ImmutableArray.Create(first);
        var chain = new KeyChain(inputs.Length);
        for (var c = 1; c < inputs.Length; c++)
        {
            var (index, codes) = table.Codes(inputs[c]);
            indexes = indexes.Add(index);
            for (var row = 0; row < keys.Length; row++)
            {
                keys[row] = chain.Add(c - 1, keys[row], codes[row]);
            }
        }

        var known = inputs.Length == 1 ? first.Count : chain.Count(inputs.Length - 2);
        var sums = new double[known + 1];
        var counts = new long[known + 1];
        double total = 0;
        for (var row = 0; row < keys.Length; row++)
        {
            sums[keys[row]] += label[row];
            counts[keys[row]]++;
            total += label[row];
        }

        if (keys.Length == 0)
        {
            throw new GristmillException(ErrorCodes.BadValue, $"There are no training rows to target-encode '{string.Join("', '", spec.Columns)}' on.");
        }

        var prior = total / keys.Length;
        var encodings = new double[known];
        for (var key = 1; key <= known; key++)
        {
            var weight = counts[key] + smoothing;
            encodings[key - 1] = weight > 0 ? (sums[key] + (smoothing * prior)) / weight : prior;
        }

        return new TargetTransform(spec, inputs, [.. inputs.Select(i => table.Inputs[i])], indexes, chain, encodings, prior);
    }

    public static TargetTransform Load(FittedTransform fitted, ImmutableArray<int> inputs, ImmutableArray<InputColumn> columns)
    {
        var indexes = columns.Select((c, i) => CategoryTransform.LoadValues(fitted, i, c)).ToImmutableArray();
        var encodings = fitted.Encodings!.Value.ToArray();
        var chain = new KeyChain(columns.Length);
        var known = indexes[0].Count;
        if (columns.Length > 1)
        {
            var keys = fitted.Keys!.Value;
            if (keys.Length % columns.Length != 0)
            {
                throw new FormatException("the keys are not whole");
            }

            for (var at = 0; at < keys.Length; at += columns.Length)
            {
                var key = keys[at];
                for (var c = 1; c < columns.Length; c++)
                {
                    if (keys[at + c] < 1 || keys[at + c] > indexes[c].Count || key < 1)
                    {
                        throw new FormatException("a key has no value");
                    }

                    key = chain.Add(c - 1, key, keys[at + c]);
                }
            }

            known = chain.Count(columns.Length - 2);
        }

        return known == encodings.Length
            ? new TargetTransform(fitted.ToSpec(), inputs, columns, indexes, chain, encodings, fitted.Prior!.Value)
            : throw new FormatException($"{encodings.Length} encodings for {known} keys");
    }

    public override BoundTransform Bind(IArrowArray[] columns, long rowBase) =>
        new Bound(this, [.. Inputs.Select((input, i) => new CodeSource(_indexes[i], _columns[i], columns[input], rowBase))]);

    public override void EncodeRow(ReadOnlySpan<Cell> cells, ReadOnlySpan<byte> text, Span<float> features, long row)
    {
        var key = _indexes[0].OfCell(cells[Inputs[0]], text);
        for (var c = 1; c < Inputs.Length; c++)
        {
            key = _chain.Find(c - 1, key, _indexes[c].OfCell(cells[Inputs[c]], text));
        }

        features[0] = _byKey[key];
    }

    public override FittedTransform Save() => FittedTransform.Of(Spec) with
    {
        Values = [.. _indexes.Select(CategoryTransform.SaveValues)],
        Keys = _indexes.Length > 1 ? _chain.Save() : null,
        Encodings = [.. _encodings],
        Prior = _prior,
    };

    private sealed class Bound(TargetTransform owner, CodeSource[] sources) : BoundTransform
    {
        public override void Encode(int start, int count, Span<float> matrix, int width)
        {
            Span<int> keys = stackalloc int[count];
            Span<int> codes = stackalloc int[count];
            sources[0].Read(start, keys);
            for (var c = 1; c < sources.Length; c++)
            {
                sources[c].Read(start, codes);
                for (var i = 0; i < count; i++)
                {
                    keys[i] = owner._chain.Find(c - 1, keys[i], codes[i]);
                }
            }

            var byKey = owner._byKey;
            for (int i = 0, at = 0; i < count; i++, at += width)
            {
                matrix[at] = byKey[keys[i]];
            }
        }
    }

    /// <summary>Codes of several columns made one: level k pairs the key of the columns before with the code of column k + 1.</summary>
    private sealed class KeyChain(int columns)
    {
        private readonly PairTable[] _levels = [.. Enumerable.Range(0, Math.Max(columns - 1, 0)).Select(_ => new PairTable())];

        public int Count(int level) => _levels[level].Count;

        /// <summary>0 if a part is 0 or the pair unseen.</summary>
        public int Find(int level, int key, int code) => _levels[level].Find(key, code);

        public int Add(int level, int key, int code) => _levels[level].GetOrAdd(key, code);

        /// <summary>The column codes of each key of the last level, in the order of keys.</summary>
        public ImmutableArray<int> Save()
        {
            var parents = _levels.Select(l => l.ToArray()).ToArray();
            var width = _levels.Length + 1;
            var flat = new int[parents[^1].Length * width];
            for (var i = 0; i < parents[^1].Length; i++)
            {
                var key = i + 1;
                for (var level = _levels.Length - 1; level >= 0; level--)
                {
                    var (parent, code) = parents[level][key - 1];
                    flat[(i * width) + level + 1] = code;
                    key = parent;
                }

                flat[i * width] = key;
            }

            return ImmutableCollectionsMarshal.AsImmutableArray(flat);
        }
    }
}
