using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Gristmill.Engines.Onnx;

namespace Gristmill.Engines.MLNet;

/// <summary>Exported trees say in ONNX Runtime what they say in LightGBM's own library.</summary>
[Collection("LightGBM")]
public sealed class LightGbmOnnxTests : IDisposable
{
    private const int Width = 4;
    private const int Categories = 100;

    private static readonly ImmutableArray<EncodedFeature> Features =
        [new("a", "a", 0), new("b", "b", 0), new("kind", "kind", Categories), new("c", "c", 0)];

    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-lightgbm-onnx-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(ModelTask.Binary, 0)]
    [InlineData(ModelTask.Regression, 0)]
    [InlineData(ModelTask.Multiclass, 3)]
    public void Every_kind_of_split_scores_as_in_LightGBM(ModelTask task, int classes)
    {
        var path = Train(task, classes, gaps: true);
        var text = LightGbmText.Read(path);
        var splits = text.Trees.SelectMany(t => t.Splits).ToList();
        Assert.Contains(splits, s => s.Members is not null && s.Members.Max() >= 32);
        Assert.Contains(splits, s => s is { Members: null, Missing: LightGbmMissing.NaN, DefaultLeft: true });
        Assert.Contains(splits, s => s is { Members: null, Missing: LightGbmMissing.NaN, DefaultLeft: false });
        AssertSame(path, task, classes, text);

        // What this version's training never writes, but the format has: other missing values and ways to go.
        foreach (var missing in Enum.GetValues<LightGbmMissing>())
        {
            foreach (var flip in new[] { 0, 2 })
            {
                var edited = Rewrite(path, decision => (decision & 1) | (((int)missing) << 2) | ((decision & 2) ^ flip));
                AssertSame(edited, task, classes, LightGbmText.Read(edited));
            }
        }
    }

    [Fact]
    public void A_model_of_constant_trees_scores_its_constant()
    {
        var path = Path.Combine(_folder, "constant.txt");
        using (var trainer = new LightGbmTrainer(new LightGbmOptions { Label = "y", Iterations = 3 }, ModelTask.Regression, 0, Features, 1))
        using (var train = trainer.Bin([Chunk([.. Enumerable.Repeat(0f, 200 * Width)], [.. Enumerable.Repeat(7f, 200)])]))
        {
            trainer.Train(train, null, path, null, default);
        }

        var text = LightGbmText.Read(path);
        Assert.Contains(text.Trees, t => t.Splits.Length == 0);
        AssertSame(path, ModelTask.Regression, 0, text);
    }

    [Fact]
    public void Labels_and_outputs_are_those_of_other_converters()
    {
        var rows = Probes(LightGbmText.Read(Train(ModelTask.Binary, 0, gaps: false)), 500);
        using (var binary = Export(Path.Combine(_folder, "model.txt"), ModelTask.Binary, []))
        {
            Assert.Equal(["label", "probabilities"], binary.Outputs);
            Assert.Equal(binary.Scores(rows, ModelTask.Binary).Select(s => s >= 0.5f ? 1L : 0L), binary.Numbers(rows));
            Assert.Equal("""["a","b","kind","c"]""", binary.Metadata["gristmill.features"]);
            Assert.Equal($"[0,0,{Categories},0]", binary.Metadata["gristmill.categories"]);
        }

        using (var named = Export(Path.Combine(_folder, "model.txt"), ModelTask.Binary, ["ham", "spam"]))
        {
            Assert.Equal(named.Scores(rows, ModelTask.Binary).Select(s => s >= 0.5f ? "spam" : "ham"), named.Texts(rows));
        }

        using (var many = Export(Train(ModelTask.Multiclass, 3, gaps: false), ModelTask.Multiclass, ["x", "y", "z"]))
        {
            Assert.Equal(["label", "probabilities"], many.Outputs);
            var best = many.Scores(rows, ModelTask.Multiclass).Chunk(3).Select(p => "xyz"[p.AsSpan().IndexOf(p.Max())].ToString());
            Assert.Equal(best, many.Texts(rows));
        }

        using var value = Export(Train(ModelTask.Regression, 0, gaps: false), ModelTask.Regression, []);
        Assert.Equal(["variable"], value.Outputs);
    }

    [Theory]
    [InlineData("objective=binary sigmoid:1", "objective=cross_entropy", ErrorCodes.NotExportable)]
    [InlineData("feature_infos=", "average_output\nfeature_infos=", ErrorCodes.NotExportable)]
    [InlineData("is_linear=0", "is_linear=1", ErrorCodes.ModelFormat)]
    [InlineData("max_feature_idx=3", "max_feature_idx=4", ErrorCodes.ModelFormat)]
    [InlineData("max_feature_idx=3", "max_feature_idx=1", ErrorCodes.ModelFormat)]
    [InlineData("left_child=1 ", "left_child=0 ", ErrorCodes.ModelFormat)]
    [InlineData("left_child=1 ", "left_child=9999 ", ErrorCodes.ModelFormat)]
    [InlineData("leaf_value=", "leaf_value=7 ", ErrorCodes.ModelFormat)]
    [InlineData("leaf_value=", "leaf_value=x ", ErrorCodes.ModelFormat)]
    [InlineData("cat_threshold=", "cat_threshold=1 ", ErrorCodes.ModelFormat)]
    [InlineData("end of trees", "end", ErrorCodes.ModelFormat)]
    public void What_has_no_form_or_is_malformed_is_refused(string from, string to, string code)
    {
        var path = Train(ModelTask.Binary, 0, gaps: false);
        var text = File.ReadAllText(path);
        Assert.Contains(from, text);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));

        Assert.Equal(code, Assert.Throws<GristmillException>(() => Export(path, ModelTask.Binary, [])).Code);
    }

    [Fact]
    public void A_feature_whose_zero_is_missing_in_some_trees_alone_has_no_form()
    {
        var path = Train(ModelTask.Binary, 0, gaps: false);
        var line = 0;
        var edited = Rewrite(path, decision => (decision & 3) | ((line++ % 2) << 2));
        Assert.Equal(ErrorCodes.NotExportable, Assert.Throws<GristmillException>(() => Export(edited, ModelTask.Binary, [])).Code);
    }

    private static void AssertSame(string path, ModelTask task, int classes, LightGbmText text)
    {
        var rows = Probes(text, 4_000);
        var count = rows.Length / Width;
        var perRow = Math.Max(1, classes);
        var expected = new float[count * perRow];
        using (var scorer = new LightGbmScorer(path, Width, perRow, 1))
        {
            scorer.Score(rows, count, expected);
        }

        using var exported = Export(path, task, [.. Enumerable.Range(0, classes).Select(c => $"class {c}")]);
        var actual = exported.Scores(rows, task);
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-6 * Math.Max(1, Math.Abs(expected[i])),
                $"row {i / perRow} [{string.Join(", ", rows.Skip(i / perRow * Width).Take(Width))}]: {actual[i]} for {expected[i]}");
        }
    }

    private static OnnxRun Export(string path, ModelTask task, ImmutableArray<string> classes) => new(LightGbmOnnx.Export(new ModelManifest
    {
        Engine = "lightgbm",
        Task = task,
        Inputs = [],
        Outputs = [],
        Classes = classes,
    }, Features, LightGbmText.Read(path)));

    /// <summary>Rows around every threshold, among categories seen and unseen, with every odd number there is.</summary>
    private static float[] Probes(LightGbmText text, int count)
    {
        var random = new Random(5);
        float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, 0, -0f, 1e-36f, -1e-36f, 1e-35f, -1e-35f, 1e-30f];
        float[] oddCodes = [float.NaN, 0, -1, Categories - 1, Categories, 127, 128, 1_000, 1e6f];
        var thresholds = text.Trees.SelectMany(t => t.Splits).Where(s => s.Members is null).ToLookup(s => s.Feature, s => (float)s.Threshold);
        var rows = new float[count * Width];
        for (var i = 0; i < rows.Length; i++)
        {
            var feature = i % Width;
            float[] known = [.. thresholds[feature]];
            rows[i] = (feature, random.Next(5)) switch
            {
                (2, 0) => oddCodes[random.Next(oddCodes.Length)],
                (2, _) => random.Next(Categories),
                (_, 0) => odd[random.Next(odd.Length)],
                (_, 1) when known.Length > 0 => known[random.Next(known.Length)],
                (_, 2) when known.Length > 0 => MathF.BitIncrement(known[random.Next(known.Length)]),
                (_, 3) when known.Length > 0 => MathF.BitDecrement(known[random.Next(known.Length)]),
                _ => (float)((random.NextDouble() * 4) - 2),
            };
        }

        return rows;
    }

    private string Train(ModelTask task, int classes, bool gaps)
    {
        const int rows = 4_000;
        var random = new Random(3);
        var x = new float[rows * Width];
        var y = new float[rows];
        for (var i = 0; i < rows; i++)
        {
            var (a, b, kind, c) = ((random.NextDouble() * 4) - 2, (random.NextDouble() * 4) - 2, random.Next(Categories), random.Next(-3, 4));
            var signal = a + (kind % 3) - (b > 0.5 ? 1 : 0) + (0.3 * c);
            y[i] = task switch
            {
                ModelTask.Binary => signal > 0.7 ? 1 : 0,
                ModelTask.Multiclass => signal < 0 ? 0 : signal < 1.5 ? 1 : 2,
                _ => (float)(1000 * signal),
            };
            var (gapA, gapB) = (gaps && random.Next(6) == 0, gaps && random.Next(6) == 0);
            if (gapA || gapB)
            {
                // What is missing means something, and not the same in both columns.
                y[i] = task == ModelTask.Regression ? y[i] + (gapA ? 500 : -500) : gapA ? 1 : 0;
            }

            (x[i * Width], x[(i * Width) + 1], x[(i * Width) + 2], x[(i * Width) + 3]) = (gapA ? float.NaN : (float)a, gapB ? float.NaN : (float)b, kind, c);
        }

        var path = Path.Combine(_folder, "model.txt");
        using var trainer = new LightGbmTrainer(new LightGbmOptions { Label = "y", Iterations = 40, Leaves = 24 }, task, classes, Features, 1);
        using var train = trainer.Bin([Chunk(x, y)]);
        trainer.Train(train, null, path, null, default);
        return path;
    }

    private string Rewrite(string path, Func<int, int> decide)
    {
        var edited = Path.Combine(_folder, "edited.txt");
        File.WriteAllLines(edited, File.ReadLines(path).Select(line => line.StartsWith("decision_type=", StringComparison.Ordinal)
            ? "decision_type=" + string.Join(' ', line["decision_type=".Length..].Split(' ').Select(d => decide(int.Parse(d, CultureInfo.InvariantCulture))))
            // The sizes of the trees' texts let LightGBM read them in parallel; without them it looks for itself.
            : line).Where(line => !line.StartsWith("tree_sizes=", StringComparison.Ordinal)));
        return edited;
    }

    private static MatrixChunk Chunk(float[] x, float[] y) => new(y.Length, MemoryMarshal.AsBytes(x.AsSpan()).ToArray(), MemoryMarshal.AsBytes(y.AsSpan()).ToArray());
}
