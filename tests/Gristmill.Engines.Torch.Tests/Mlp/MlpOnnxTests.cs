using System.Collections.Immutable;
using System.Numerics.Tensors;
using Gristmill.Engines.Onnx;

namespace Gristmill.Engines.Torch;

/// <summary>An exported MLP says in ONNX Runtime what the engine says.</summary>
public sealed class MlpOnnxTests
{
    [Theory]
    [InlineData(ModelTask.Binary, 3, 2, 1)]
    [InlineData(ModelTask.Binary, 1, 0, 1)]
    [InlineData(ModelTask.Regression, 0, 1, 1)]
    [InlineData(ModelTask.Multiclass, 17, 3, 4)]
    public void Scores_and_labels_are_the_engine_s(ModelTask task, int numbers, int categories, int outputs)
    {
        var features = Features(numbers, categories);
        var weights = Weights(features, outputs, [33, 7]);
        var manifest = Manifest(task, outputs);
        const int rows = 500;
        var matrix = Rows(features, rows);
        var expected = new float[rows * outputs];
        new MlpScorer(weights).Forward(matrix, features.Length, rows, expected);
        Activation.Apply(task, expected, outputs);

        using var exported = new OnnxRun(MlpOnnx.Export(manifest, features, weights));

        var actual = exported.Scores(matrix, task);
        Assert.Equal(expected.Length, actual.Length);
        Assert.Equal(0, expected.Zip(actual, (e, a) => Math.Abs(e - a) / Math.Max(1, Math.Abs(e))).Max(), 1e-6);
        if (task == ModelTask.Binary)
        {
            Assert.Equal(actual.Select(s => s >= 0.5f ? 1L : 0L), exported.Numbers(matrix));
        }
        else if (task == ModelTask.Multiclass)
        {
            Assert.Equal(actual.Chunk(outputs).Select(p => manifest.Classes[TensorPrimitives.IndexOfMax<float>(p)]), exported.Texts(matrix));
        }
    }

    [Fact]
    public void A_network_without_a_hidden_layer_is_a_linear_model()
    {
        var features = Features(4, 0);
        var weights = Weights(features, 1, []);
        using var exported = new OnnxRun(MlpOnnx.Export(Manifest(ModelTask.Regression, 1), features, weights));
        var matrix = Rows(features, 50);
        var expected = new float[50];
        new MlpScorer(weights).Forward(matrix, 4, 50, expected);
        Assert.Equal(expected, exported.Scores(matrix, ModelTask.Regression), (a, b) => Math.Abs(a - b) <= 1e-6);
    }

    [Fact]
    public void Half_is_a_yes_as_it_is_here()
    {
        var features = Features(1, 0);
        var weights = new MlpWeights { Numbers = [0], Embeddings = [], Layers = [new MlpLayer(1, 1, [1], [0])] };
        using var exported = new OnnxRun(MlpOnnx.Export(Manifest(ModelTask.Binary, 1), features, weights));
        Assert.Equal([0.5f], exported.Scores([0], ModelTask.Binary));
        Assert.Equal([0, 1, 1], exported.Numbers([-1e-3f, 0, 1e-3f]));
    }

    private static ImmutableArray<EncodedFeature> Features(int numbers, int categories) =>
    [
        .. Enumerable.Range(0, numbers).Select(i => new EncodedFeature($"n{i}", $"n{i}", 0)),
        .. Enumerable.Range(0, categories).Select(i => new EncodedFeature($"c{i}", $"c{i}", 11 + i)),
    ];

    private static MlpWeights Weights(ImmutableArray<EncodedFeature> features, int outputs, ImmutableArray<int> hidden) =>
        MlpInitialiser.Create(features, new TorchMlpOptions { Label = "y", Hidden = hidden, Embedding = 5 }, outputs, [.. Enumerable.Range(0, outputs).Select(o => o * 0.1f)]);

    private static ModelManifest Manifest(ModelTask task, int outputs) => new()
    {
        Engine = "torch",
        Task = task,
        Inputs = [],
        Outputs = [],
        Classes = task == ModelTask.Multiclass ? [.. Enumerable.Range(0, outputs).Select(c => $"class {c}")] : [],
    };

    /// <summary>Numbers as training sees them, and codes, among them such as no encoder gives.</summary>
    private static float[] Rows(ImmutableArray<EncodedFeature> features, int rows)
    {
        var random = new Random(7);
        var matrix = new float[rows * features.Length];
        for (var i = 0; i < matrix.Length; i++)
        {
            var categories = features[i % features.Length].Categories;
            float[] odd = [float.NaN, -1, categories, 1e9f, float.PositiveInfinity, float.NegativeInfinity];
            matrix[i] = categories == 0 ? (random.NextSingle() * 6) - 3
                : random.Next(4) == 0 ? odd[random.Next(odd.Length)]
                : random.Next(categories);
        }

        return matrix;
    }
}
