using System.Collections.Immutable;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Gristmill.Engines.Torch;

/// <summary>The tabular MLP in torch: for training, and for scoring many rows at once.</summary>
internal sealed class MlpNetwork : IDisposable
{
    // Share of codes taken as unseen in training, so that code 0 learns what to say of a value that training has not.
    private const double UnseenRate = 0.02;

    private readonly ImmutableArray<(int Feature, Embedding Table)> _embeddings;
    private readonly ImmutableArray<(Parameter Weight, Parameter Bias)> _layers;
    private readonly ImmutableArray<int> _numbers;
    private readonly Tensor _numberIndexes;
    private readonly double _dropout;

    public MlpNetwork(MlpWeights weights, bool trainable, double dropout = 0)
    {
        _dropout = dropout;
        _numbers = weights.Numbers;
        _numberIndexes = tensor(weights.Numbers.Select(n => (long)n).ToArray(), dtype: int64).DetachFromDisposeScope();
        _embeddings = [.. weights.Embeddings.Select(e => (e.Feature, Table(e, trainable)))];
        _layers = [.. weights.Layers.Select(l => (Create(l.Weight, trainable, l.Outputs, l.Inputs), Create(l.Bias, trainable, l.Outputs)))];
    }

    /// <summary>All parameters.</summary>
    public IEnumerable<Parameter> Parameters => [.. _embeddings.Select(e => e.Table.weight!), .. _layers.SelectMany(l => new[] { l.Weight, l.Bias })];

    /// <summary>Outputs of the last layer.</summary>
    /// <param name="features">[rows, width]</param>
    /// <param name="training">Whether to drop units and codes.</param>
    /// <param name="generator">Draws the units and codes to drop.</param>
    /// <returns>[rows, outputs]</returns>
    public Tensor Forward(Tensor features, bool training, Generator? generator = null)
    {
        var parts = new List<Tensor>(_embeddings.Length + 1);
        if (_numbers.Length > 0)
        {
            parts.Add(features.index_select(1, _numberIndexes));
        }

        foreach (var (feature, table) in _embeddings)
        {
            var codes = features.select(1, feature).to(ScalarType.Int64);
            parts.Add(table.call(training ? codes.masked_fill(rand(codes.shape, generator: generator) < UnseenRate, 0) : codes));
        }

        var x = parts.Count == 1 ? parts[0] : cat([.. parts], 1);
        for (var i = 0; i < _layers.Length; i++)
        {
            x = F.linear(x, _layers[i].Weight, _layers[i].Bias);
            if (i < _layers.Length - 1)
            {
                x = F.relu(x);
                if (training && _dropout > 0)
                {
                    x *= Keep(x.shape, generator);
                }
            }
        }

        return x;
    }

    /// <summary>The weights as plain arrays.</summary>
    public MlpWeights Weights() => new()
    {
        Numbers = _numbers,
        Embeddings = [.. _embeddings.Select(e => new MlpEmbedding(e.Feature, (int)e.Table.weight!.shape[0], (int)e.Table.weight.shape[1], Values(e.Table.weight)))],
        Layers = [.. _layers.Select(l => new MlpLayer((int)l.Weight.shape[1], (int)l.Weight.shape[0], Values(l.Weight), Values(l.Bias)))],
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _numberIndexes.Dispose();
        foreach (var parameter in Parameters)
        {
            parameter.grad?.Dispose();
            parameter.Dispose();
        }

        foreach (var (_, table) in _embeddings)
        {
            table.Dispose();
        }
    }

    // torch's own dropout draws from the process's generator, which other trainings in this process draw from too.
    private Tensor Keep(long[] shape, Generator? generator) =>
        rand(shape, generator: generator).ge_(_dropout).mul_(1 / (1 - _dropout));

    private static Embedding Table(MlpEmbedding embedding, bool trainable)
    {
        using var values = tensor(embedding.Table, [embedding.Categories, embedding.Width], dtype: float32);
        var table = nn.Embedding_from_pretrained(values, freeze: !trainable);
        table.weight!.DetachFromDisposeScope();
        return table;
    }

    private static Parameter Create(float[] values, bool trainable, params ReadOnlySpan<long> shape)
    {
        var parameter = new Parameter(tensor(values, shape, dtype: float32), trainable);
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    private static float[] Values(Tensor parameter)
    {
        using var detached = parameter.detach();
        return detached.data<float>().ToArray();
    }
}
