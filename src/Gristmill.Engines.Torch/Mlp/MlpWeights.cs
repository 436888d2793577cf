using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Torch;

/// <summary>The weights of a tabular MLP as plain arrays, in torch's layout: what the package's safetensors file holds.</summary>
internal sealed class MlpWeights
{
    /// <summary>File name in a model package.</summary>
    public const string FileName = "model.safetensors";

    /// <summary>Indexes of the features taken as numbers.</summary>
    public required ImmutableArray<int> Numbers { get; init; }

    /// <summary>Embedding tables, one a category feature.</summary>
    public required ImmutableArray<MlpEmbedding> Embeddings { get; init; }

    /// <summary>Dense layers, ReLU between them.</summary>
    public required ImmutableArray<MlpLayer> Layers { get; init; }

    /// <summary>Floats per row in the network's input: numbers, then embeddings.</summary>
    public int InputWidth => Numbers.Length + Embeddings.Sum(e => e.Width);

    /// <summary>Numbers per row out of the last layer.</summary>
    public int Outputs => Layers[^1].Outputs;

    /// <summary>Writes the file.</summary>
    public void Save(string path)
    {
        var writer = new SafeTensorsWriter();
        for (var i = 0; i < Embeddings.Length; i++)
        {
            writer.Add($"embeddings.{i}.weight", "F32", [Embeddings[i].Categories, Embeddings[i].Width], Bytes(Embeddings[i].Table));
        }

        for (var i = 0; i < Layers.Length; i++)
        {
            writer.Add($"layers.{i}.weight", "F32", [Layers[i].Outputs, Layers[i].Inputs], Bytes(Layers[i].Weight));
            writer.Add($"layers.{i}.bias", "F32", [Layers[i].Outputs], Bytes(Layers[i].Bias));
        }

        writer.Write(path);
    }

    /// <summary>Reads the file and checks that it fits the encoder's features and the number of scores.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/>.</exception>
    public static MlpWeights Load(string path, FeatureEncoder encoder, int outputs)
    {
        using var reader = SafeTensorsReader.Open(path);
        var embeddings = ImmutableArray.CreateBuilder<MlpEmbedding>();
        foreach (var (feature, index) in encoder.Features.Select((f, i) => (f, i)).Where(f => f.f.Categories > 0))
        {
            var name = $"embeddings.{embeddings.Count}.weight";
            var shape = reader.Require(name, "F32").Shape;
            Check(shape.Length == 2 && shape[0] == feature.Categories && shape[1] > 0, name, shape, $"[{feature.Categories}, n]");
            embeddings.Add(new MlpEmbedding(index, (int)shape[0], (int)shape[1], reader.ReadFloats(name)));
        }

        ImmutableArray<int> numbers = [.. Enumerable.Range(0, encoder.Width).Where(i => encoder.Features[i].Categories == 0)];
        var layers = ImmutableArray.CreateBuilder<MlpLayer>();
        var inputs = numbers.Length + embeddings.Sum(e => e.Width);
        while (layers.Count == 0 || reader.Entries.ContainsKey($"layers.{layers.Count}.weight"))
        {
            var name = $"layers.{layers.Count}";
            var shape = reader.Require($"{name}.weight", "F32").Shape;
            Check(shape.Length == 2 && shape[1] == inputs && shape[0] > 0, $"{name}.weight", shape, $"[n, {inputs}]");
            var biasShape = reader.Require($"{name}.bias", "F32").Shape;
            Check(biasShape.Length == 1 && biasShape[0] == shape[0], $"{name}.bias", biasShape, $"[{shape[0]}]");
            layers.Add(new MlpLayer(inputs, (int)shape[0], reader.ReadFloats($"{name}.weight"), reader.ReadFloats($"{name}.bias")));
            inputs = (int)shape[0];
        }

        if (inputs != outputs)
        {
            throw SafeTensorsReader.Malformed(path, $"its last layer gives {inputs} numbers a row, where the task takes {outputs}");
        }

        return new MlpWeights { Numbers = numbers, Embeddings = embeddings.ToImmutable(), Layers = layers.ToImmutable() };

        void Check(bool fine, string name, ImmutableArray<long> shape, string due)
        {
            if (!fine)
            {
                throw SafeTensorsReader.Malformed(path, $"its tensor '{name}' is of shape [{string.Join(", ", shape)}], where {due} was due");
            }
        }
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}

/// <summary>An embedding table.</summary>
/// <param name="Feature">Index of the feature that holds the code.</param>
/// <param name="Categories">Rows.</param>
/// <param name="Width">Floats per row.</param>
/// <param name="Table">Categories x Width, row-major.</param>
internal sealed record MlpEmbedding(int Feature, int Categories, int Width, float[] Table);

/// <summary>A dense layer: y = Weight x + Bias.</summary>
/// <param name="Inputs">Length of x.</param>
/// <param name="Outputs">Length of y.</param>
/// <param name="Weight">Outputs x Inputs, row-major.</param>
/// <param name="Bias">Outputs.</param>
internal sealed record MlpLayer(int Inputs, int Outputs, float[] Weight, float[] Bias);
