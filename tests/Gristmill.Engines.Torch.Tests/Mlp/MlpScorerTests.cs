using System.Collections.Immutable;
using Gristmill.Engines.Torch.Interop;
using TorchSharp;

namespace Gristmill.Engines.Torch;

public sealed class MlpScorerTests
{
    [Theory]
    [InlineData(3, 2, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(0, 1, 5)]
    [InlineData(17, 3, 3)]
    public void The_vector_code_and_torch_give_the_same(int numbers, int categories, int outputs)
    {
        var features = Enumerable.Range(0, numbers).Select(i => new EncodedFeature($"n{i}", $"n{i}", 0))
            .Concat(Enumerable.Range(0, categories).Select(i => new EncodedFeature($"c{i}", $"c{i}", 11 + i))).ToImmutableArray();
        var weights = MlpInitialiser.Create(features, new TorchMlpOptions { Label = "y", Hidden = [33, 7], Embedding = 5 }, outputs, new float[outputs]);
        const int rows = 200;
        var random = new Random(7);
        var matrix = new float[rows * features.Length];
        for (var i = 0; i < matrix.Length; i++)
        {
            var kind = features[i % features.Length];
            matrix[i] = kind.Categories > 0 ? random.Next(kind.Categories) : (random.NextSingle() * 6) - 3;
        }

        var managed = new float[rows * outputs];
        new MlpScorer(weights).Forward(matrix, features.Length, rows, managed);

        TorchRuntime.EnsureLoaded();
        using var scope = torch.NewDisposeScope();
        using var network = new MlpNetwork(weights, trainable: false);
        using var noGrad = torch.no_grad();
        var native = ForeignTensors.AsSpan<float>(ForeignTensors.Lend(matrix, rows, features.Length, m => network.Forward(m, training: false).contiguous())).ToArray();
        for (var i = 0; i < managed.Length; i++)
        {
            Assert.Equal(native[i], managed[i], 1e-5f * Math.Max(1, Math.Abs(native[i])));
        }
    }

    [Fact]
    public async Task Threads_score_at_once_without_disturbing_each_other()
    {
        ImmutableArray<EncodedFeature> features = [new("a", "a", 0), new("b", "b", 4)];
        var weights = MlpInitialiser.Create(features, new TorchMlpOptions { Label = "y", Hidden = [64] }, 1, [0.5f]);
        var scorer = new MlpScorer(weights);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(t => Task.Run(() =>
        {
            var expected = new float[1];
            scorer.Forward([t, t], 2, 1, expected);
            var got = new float[1];
            for (var i = 0; i < 5000; i++)
            {
                scorer.Forward([t, t], 2, 1, got);
                Assert.Equal(expected[0], got[0]);
            }
        })));
    }
}
