using System.Globalization;
using System.Numerics;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// A model's text, read without the library: lines of key=value, first the model's, then each tree's after "Tree=N", to
/// "end of trees" (LightGBM, src/boosting/gbdt_model_text.cpp and src/io/tree.cpp).
/// </summary>
internal sealed class LightGbmText
{
    private const int CategoricalBit = 1, DefaultLeftBit = 2, MissingShift = 2, MissingMask = 3;

    // As C++ writes what is no finite number.
    private static readonly NumberFormatInfo s_format = new() { PositiveInfinitySymbol = "inf", NegativeInfinitySymbol = "-inf", NaNSymbol = "nan" };

    private LightGbmText(Dictionary<string, string> header, List<LightGbmTree> trees)
    {
        Trees = trees;
        TreesPerIteration = Number(header, "num_tree_per_iteration");
        Width = Number(header, "max_feature_idx") + 1;
        Objective = header.GetValueOrDefault("objective", "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Averages = header.ContainsKey("average_output");
        if (TreesPerIteration < 1 || trees.Count % TreesPerIteration != 0)
        {
            throw Malformed($"its {trees.Count} trees are not {TreesPerIteration} an iteration");
        }

        if (trees.Any(t => t.Splits.Any(s => s.Feature < 0 || s.Feature >= Width)))
        {
            throw Malformed($"a tree reads a feature that is none of its {Width}");
        }
    }

    /// <summary>All trees; of several classes, one a class in turn.</summary>
    public IReadOnlyList<LightGbmTree> Trees { get; }

    /// <summary>1, or the number of classes.</summary>
    public int TreesPerIteration { get; }

    /// <summary>Features a row.</summary>
    public int Width { get; }

    /// <summary>The objective and its settings, such as "binary", "sigmoid:1".</summary>
    public string[] Objective { get; }

    /// <summary>Whether trees are averaged (random forests), not summed.</summary>
    public bool Averages { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="GristmillException">model.format.</exception>
    public static LightGbmText Read(string path)
    {
        var header = new Dictionary<string, string>(StringComparer.Ordinal);
        var trees = new List<LightGbmTree>();
        var section = header;
        foreach (var line in File.ReadLines(path))
        {
            var ended = line == "end of trees";
            if (ended || line.StartsWith("Tree=", StringComparison.Ordinal))
            {
                if (section != header)
                {
                    trees.Add(Tree(section));
                }

                if (ended)
                {
                    return new LightGbmText(header, trees);
                }

                section = new Dictionary<string, string>(StringComparer.Ordinal);
            }
            else if (line.Length > 0)
            {
                var equals = line.IndexOf('=', StringComparison.Ordinal);
                section[equals < 0 ? line : line[..equals]] = equals < 0 ? "" : line[(equals + 1)..];
            }
        }

        throw Malformed("it has no \"end of trees\"");
    }

    private static LightGbmTree Tree(Dictionary<string, string> section)
    {
        if (Number(section, "is_linear", 0) != 0)
        {
            throw Malformed("its leaves are linear models, which this version does not read");
        }

        var count = Number(section, "num_leaves");
        var leaves = Numbers<double>(section, "leaf_value", count);
        if (count == 1)
        {
            return new LightGbmTree([], leaves);
        }

        var nodes = count - 1;
        var features = Numbers<int>(section, "split_feature", nodes);
        var thresholds = Numbers<double>(section, "threshold", nodes);
        var decisions = Numbers<int>(section, "decision_type", nodes);
        var left = Numbers<int>(section, "left_child", nodes);
        var right = Numbers<int>(section, "right_child", nodes);
        var sets = Number(section, "num_cat", 0);
        var bounds = sets > 0 ? Numbers<int>(section, "cat_boundaries", sets + 1) : [];
        var words = sets > 0 ? Numbers<uint>(section, "cat_threshold", bounds[^1]) : [];
        var splits = new LightGbmSplit[nodes];
        for (var i = 0; i < nodes; i++)
        {
            if (!IsChild(left[i], i, count) || !IsChild(right[i], i, count))
            {
                throw Malformed($"node {i} of a tree of {count} leaves has the children {left[i]} and {right[i]}");
            }

            var missing = (decisions[i] >> MissingShift) & MissingMask;
            var categorical = (decisions[i] & CategoricalBit) != 0;
            splits[i] = new LightGbmSplit(features[i], thresholds[i], categorical ? Members(thresholds[i], bounds, words) : null,
                missing <= (int)LightGbmMissing.NaN ? (LightGbmMissing)missing : throw Malformed($"a split has the decision type {decisions[i]}"),
                (decisions[i] & DefaultLeftBit) != 0, left[i], right[i]);
        }

        return new LightGbmTree(splits, leaves);
    }

    /// <summary>A child comes after its parent, so that there is no way round in circles.</summary>
    private static bool IsChild(int child, int parent, int leaves) => child >= 0 ? child > parent && child < leaves - 1 : ~child < leaves;

    /// <summary>Of a category the threshold is the number of its set: 32 values a word, from bit 0 of the first.</summary>
    private static int[] Members(double threshold, int[] bounds, uint[] words)
    {
        var set = (int)threshold;
        if (set < 0 || set >= bounds.Length - 1 || bounds[set] < 0 || bounds[set] > bounds[set + 1] || bounds[set + 1] > words.Length)
        {
            throw Malformed($"a split names the set of categories {threshold.ToString(CultureInfo.InvariantCulture)}, which it does not have");
        }

        var members = new List<int>();
        for (var word = bounds[set]; word < bounds[set + 1]; word++)
        {
            for (var bits = words[word]; bits != 0; bits &= bits - 1)
            {
                members.Add(((word - bounds[set]) * 32) + BitOperations.TrailingZeroCount(bits));
            }
        }

        return [.. members];
    }

    private static int Number(Dictionary<string, string> section, string key, int? missing = null) =>
        section.TryGetValue(key, out var text)
            ? int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : throw Malformed($"its '{key}' is '{text}'")
            : missing ?? throw Malformed($"it has no '{key}'");

    private static T[] Numbers<T>(Dictionary<string, string> section, string key, int count)
        where T : INumber<T>
    {
        if (!section.TryGetValue(key, out var text))
        {
            throw Malformed($"a tree has no '{key}'");
        }

        var values = new List<T>();
        foreach (var range in text.AsSpan().Split(' '))
        {
            if (text.AsSpan(range) is { Length: > 0 } part)
            {
                values.Add(T.TryParse(part, NumberStyles.Float, s_format, out var value) ? value : throw Malformed($"'{part}' stands in '{key}'"));
            }
        }

        return values.Count == count ? [.. values] : throw Malformed($"a tree has {values.Count} numbers in '{key}', where {count} were due");
    }

    private static GristmillException Malformed(string what) => new(ErrorCodes.ModelFormat,
        $"{LightGbmEngine.ModelFile} is malformed: {what}.", "Take the package from its source again, or train the model again.");
}
