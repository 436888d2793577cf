using System.Collections.Immutable;
using System.Globalization;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// Writes trees as ONNX. All is computed in 64 bits, as LightGBM does: so thresholds and leaves keep every digit, and a
/// 32-bit input is compared with the very threshold it was split by.
/// </summary>
internal static class LightGbmOnnx
{
    // LightGBM's kZeroThreshold, which is a 32-bit float there.
    private const double Zero = 1e-35f;

    private const byte LessOrEqual = 0, Member = 6;
    private const int Sum = 1, NoTransform = 0;

    public static Stream Export(ModelManifest manifest, ImmutableArray<EncodedFeature> features, LightGbmText model)
    {
        var perRow = PredictionOutput.ScoresPerRow(manifest);
        if (model.Width != features.Length || model.TreesPerIteration != perRow)
        {
            throw new GristmillException(ErrorCodes.ModelFormat,
                $"The trees take {model.Width} features and give {model.TreesPerIteration} scores, the package says {features.Length} and {perRow}.",
                "Train the model again.");
        }

        if (model.Averages)
        {
            throw OnnxExport.Refuse(manifest, "it is a random forest, which averages its trees", "Train with lightgbm.train.");
        }

        var graph = OnnxExport.Begin(manifest, features);
        var rows = MarkZeros(graph, graph.Cast(OnnxExport.Input, OnnxElement.Double), manifest, model);
        var sums = graph.AddMachineLearning("TreeEnsemble", [rows], new TreeArrays(model).Attributes(perRow));
        return OnnxExport.Finish(graph, manifest, graph.Cast(Transform(graph, sums, manifest, model.Objective), OnnxElement.Float));
    }

    /// <summary>From sums of leaves to probabilities or values, as the objective says.</summary>
    private static string Transform(OnnxGraph graph, string sums, ModelManifest manifest, string[] objective)
    {
        switch (manifest.Task, objective)
        {
            case (ModelTask.Binary, ["binary", var setting]) when Slope(setting) is { } slope:
                return graph.Add("Sigmoid", [slope == 1 ? sums : graph.Add("Mul", [sums, graph.Constant<double>([slope])])]);
            case (ModelTask.Multiclass, ["multiclass", ..]):
                return graph.Add("Softmax", [sums], OnnxSetting.Of("axis", 1));
            case (ModelTask.Regression, ["regression"]):
                return sums;
            default:
                throw OnnxExport.Refuse(manifest, $"its objective is '{string.Join(' ', objective)}'", "Train with lightgbm.train.");
        }
    }

    private static double? Slope(string setting) =>
        setting.StartsWith("sigmoid:", StringComparison.Ordinal) && double.TryParse(setting["sigmoid:".Length..], CultureInfo.InvariantCulture, out var slope)
            ? slope : null;

    /// <summary>
    /// LightGBM takes what is next to zero for zero; and where it takes zero for missing, zero becomes NaN, the only missing
    /// value that ONNX's trees know.
    /// </summary>
    private static string MarkZeros(OnnxGraph graph, string rows, ModelManifest manifest, LightGbmText model)
    {
        var zeros = new double[model.Width];
        foreach (var splits in model.Trees.SelectMany(t => t.Splits).GroupBy(s => s.Feature))
        {
            if (splits.Any(s => s is { Members: null, Missing: LightGbmMissing.Zero }))
            {
                zeros[splits.Key] = splits.All(s => s is { Members: null, Missing: LightGbmMissing.Zero })
                    ? double.NaN
                    : throw OnnxExport.Refuse(manifest, "its trees take zero of one feature sometimes as missing and sometimes not", "Train with lightgbm.train.");
            }
        }

        var isZero = graph.Add("LessOrEqual", [graph.Add("Abs", [rows]), graph.Constant<double>([Zero])]);
        return graph.Add("Where", [isZero, graph.Constant<double>(zeros, zeros.Length), rows]);
    }

    /// <summary>The arrays of ai.onnx.ml's TreeEnsemble: all nodes and all leaves of all trees, one after the other.</summary>
    private sealed class TreeArrays
    {
        private readonly List<long> _features = [];
        private readonly List<double> _splits = [];
        private readonly List<byte> _modes = [];
        private readonly List<long> _missingGoTrue = [];
        private readonly List<long> _trueIds = [];
        private readonly List<long> _trueIsLeaf = [];
        private readonly List<long> _falseIds = [];
        private readonly List<long> _falseIsLeaf = [];
        private readonly List<double> _members = [];
        private readonly List<long> _leafTargets = [];
        private readonly List<double> _leafWeights = [];
        private readonly List<long> _roots = [];

        public TreeArrays(LightGbmText model)
        {
            for (var t = 0; t < model.Trees.Count; t++)
            {
                Add(model.Trees[t], t % model.TreesPerIteration);
            }
        }

        public OnnxSetting[] Attributes(int targets) =>
        [
            OnnxSetting.Of("n_targets", targets),
            OnnxSetting.Of("aggregate_function", Sum),
            OnnxSetting.Of("post_transform", NoTransform),
            OnnxSetting.Of("tree_roots", [.. _roots]),
            OnnxSetting.Of("nodes_featureids", [.. _features]),
            OnnxSetting.Tensor<double>("nodes_splits", [.. _splits]),
            OnnxSetting.Tensor<byte>("nodes_modes", [.. _modes]),
            OnnxSetting.Of("nodes_missing_value_tracks_true", [.. _missingGoTrue]),
            OnnxSetting.Of("nodes_truenodeids", [.. _trueIds]),
            OnnxSetting.Of("nodes_trueleafs", [.. _trueIsLeaf]),
            OnnxSetting.Of("nodes_falsenodeids", [.. _falseIds]),
            OnnxSetting.Of("nodes_falseleafs", [.. _falseIsLeaf]),
            OnnxSetting.Of("leaf_targetids", [.. _leafTargets]),
            OnnxSetting.Tensor<double>("leaf_weights", [.. _leafWeights]),
            .. _members.Count == 0 ? Array.Empty<OnnxSetting>() : [OnnxSetting.Tensor<double>("membership_values", [.. _members])],
        ];

        private void Add(LightGbmTree tree, int target)
        {
            int firstNode = _features.Count, firstLeaf = _leafWeights.Count;
            _roots.Add(firstNode);
            foreach (var leaf in tree.Leaves)
            {
                _leafTargets.Add(target);
                _leafWeights.Add(leaf);
            }

            if (tree.Splits.Length == 0)
            {
                // A tree needs a node; both ways of this one lead to the only leaf.
                Add(new LightGbmSplit(0, 0, null, LightGbmMissing.NaN, true, ~0, ~0), firstNode, firstLeaf);
            }

            foreach (var split in tree.Splits)
            {
                Add(split, firstNode, firstLeaf);
            }
        }

        private void Add(LightGbmSplit split, int firstNode, int firstLeaf)
        {
            _features.Add(split.Feature);
            (var mode, var threshold, bool missingGoLeft) = split switch
            {
                // NaN is in no set.
                { Members: not null } => (Member, 0, false),
                // NaN counts as 0, and goes where 0 goes.
                { Missing: LightGbmMissing.None } => (LessOrEqual, split.Threshold, 0 <= split.Threshold),
                _ => (LessOrEqual, split.Threshold, split.DefaultLeft),
            };
            _modes.Add(mode);
            _splits.Add(threshold);
            _missingGoTrue.Add(missingGoLeft ? 1 : 0);
            if (split.Members is { } members)
            {
                _members.AddRange(members.Select(m => (double)m));
                // Ends a set.
                _members.Add(double.NaN);
            }

            Add(split.Left, firstNode, firstLeaf, _trueIds, _trueIsLeaf);
            Add(split.Right, firstNode, firstLeaf, _falseIds, _falseIsLeaf);
        }

        private static void Add(int child, int firstNode, int firstLeaf, List<long> ids, List<long> isLeaf)
        {
            ids.Add(child < 0 ? firstLeaf + ~child : firstNode + child);
            isLeaf.Add(child < 0 ? 1 : 0);
        }
    }
}
