using System.Collections.Immutable;

namespace Gristmill.Engines.Torch;

/// <summary>Sizes and initial weights of a tabular MLP.</summary>
internal static class MlpInitialiser
{
    /// <summary>New weights, from a seed alone: no global random state is used.</summary>
    /// <param name="features">The encoder's features.</param>
    /// <param name="options">Hidden layers and largest embedding.</param>
    /// <param name="outputs">Outputs of the last layer.</param>
    /// <param name="bias">Initial bias of the last layer: the outputs without any feature.</param>
    public static MlpWeights Create(ImmutableArray<EncodedFeature> features, TorchMlpOptions options, int outputs, ReadOnlySpan<float> bias)
    {
        var random = new Random(options.Seed);
        var embeddings = ImmutableArray.CreateBuilder<MlpEmbedding>();
        for (var i = 0; i < features.Length; i++)
        {
            if (features[i].Categories is var categories and > 0)
            {
                var width = EmbeddingWidth(categories, options.Embedding);
                var table = Uniform(random, categories * width, 0.1f);

                // Code 0 is what training may never see: it says nothing until it does.
                table.AsSpan(0, width).Clear();
                embeddings.Add(new MlpEmbedding(i, categories, width, table));
            }
        }

        ImmutableArray<int> numbers = [.. Enumerable.Range(0, features.Length).Where(i => features[i].Categories == 0)];
        var layers = ImmutableArray.CreateBuilder<MlpLayer>();
        var inputs = numbers.Length + embeddings.Sum(e => e.Width);
        foreach (var units in options.Hidden)
        {
            // He et al. 2015, section 2.2, for ReLU.
            layers.Add(new MlpLayer(inputs, units, Uniform(random, inputs * units, MathF.Sqrt(6f / inputs)), new float[units]));
            inputs = units;
        }

        layers.Add(new MlpLayer(inputs, outputs, Uniform(random, inputs * outputs, 1 / MathF.Sqrt(inputs)), bias.ToArray()));
        return new MlpWeights { Numbers = numbers, Embeddings = embeddings.ToImmutable(), Layers = layers.ToImmutable() };
    }

    /// <summary>Half the categories, within 1 and the largest size.</summary>
    public static int EmbeddingWidth(int categories, int largest) => Math.Clamp(categories / 2, 1, largest);

    private static float[] Uniform(Random random, int count, float bound)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = ((2 * random.NextSingle()) - 1) * bound;
        }

        return values;
    }
}
