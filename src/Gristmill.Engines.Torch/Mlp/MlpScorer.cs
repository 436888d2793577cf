using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Torch;

/// <summary>
/// The forward pass of a tabular MLP with vector instructions, straight from the weights: a few microseconds a row, no
/// allocation, no native library. Safe for many threads.
/// </summary>
internal sealed class MlpScorer
{
    private const int StackFloats = 4096;

    private readonly MlpWeights _weights;
    private readonly PaddedLayer[] _layers;
    private readonly int _widest;

    public MlpScorer(MlpWeights weights)
    {
        _weights = weights;
        _layers = [.. weights.Layers.Select(l => new PaddedLayer(l))];
        _widest = Math.Max(Pad(weights.InputWidth), _layers.Max(l => Pad(l.Outputs)));
    }

    /// <summary>The last layer's output for each row.</summary>
    /// <param name="features">rows x width, row-major.</param>
    /// <param name="width">Floats per row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="outputs">rows x Outputs.</param>
    public void Forward(ReadOnlySpan<float> features, int width, int rows, Span<float> outputs)
    {
        var rented = 2 * _widest > StackFloats ? ArrayPool<float>.Shared.Rent(2 * _widest) : null;
        var buffer = rented ?? stackalloc float[StackFloats];
        try
        {
            var a = buffer[.._widest];
            var b = buffer.Slice(_widest, _widest);
            for (var row = 0; row < rows; row++)
            {
                Row(features.Slice(row * width, width), a, b, outputs.Slice(row * _weights.Outputs, _weights.Outputs));
            }
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<float>.Shared.Return(rented);
            }
        }
    }

    private void Row(ReadOnlySpan<float> features, Span<float> a, Span<float> b, Span<float> outputs)
    {
        var at = 0;
        foreach (var number in _weights.Numbers)
        {
            a[at++] = features[number];
        }

        foreach (var embedding in _weights.Embeddings)
        {
            // A code beyond the table cannot come from the encoder; it is taken as unseen.
            var code = (int)features[embedding.Feature];
            code = (uint)code < (uint)embedding.Categories ? code : 0;
            embedding.Table.AsSpan(code * embedding.Width, embedding.Width).CopyTo(a[at..]);
            at += embedding.Width;
        }

        for (var i = 0; i < _layers.Length; i++)
        {
            var layer = _layers[i];
            a[at..Pad(at)].Clear();
            if (i == _layers.Length - 1)
            {
                layer.Apply(a, outputs, relu: false);
                return;
            }

            layer.Apply(a, b, relu: true);
            at = layer.Outputs;
            var swap = a;
            a = b;
            b = swap;
        }
    }

    private static int Pad(int length) => (length + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;

    /// <summary>A layer whose rows are padded with zeros to whole vectors.</summary>
    private sealed class PaddedLayer
    {
        private readonly float[] _weight;
        private readonly float[] _bias;
        private readonly int _vectors;

        public PaddedLayer(MlpLayer layer)
        {
            var padded = Pad(layer.Inputs);
            _vectors = padded / Vector<float>.Count;
            _bias = layer.Bias;
            _weight = new float[padded * layer.Outputs];
            for (var o = 0; o < layer.Outputs; o++)
            {
                layer.Weight.AsSpan(o * layer.Inputs, layer.Inputs).CopyTo(_weight.AsSpan(o * padded));
            }
        }

        public int Outputs => _bias.Length;

        public void Apply(ReadOnlySpan<float> input, Span<float> output, bool relu)
        {
            var x = MemoryMarshal.Cast<float, Vector<float>>(input)[.._vectors];
            var weight = MemoryMarshal.Cast<float, Vector<float>>(_weight);
            var o = 0;

            // Four rows at once: one load of x serves four independent chains of multiply-adds.
            for (; o + 4 <= _bias.Length; o += 4)
            {
                var w0 = weight.Slice(o * _vectors, _vectors);
                var w1 = weight.Slice((o + 1) * _vectors, _vectors);
                var w2 = weight.Slice((o + 2) * _vectors, _vectors);
                var w3 = weight.Slice((o + 3) * _vectors, _vectors);
                Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
                for (var i = 0; i < x.Length; i++)
                {
                    var v = x[i];
                    s0 = Vector.FusedMultiplyAdd(w0[i], v, s0);
                    s1 = Vector.FusedMultiplyAdd(w1[i], v, s1);
                    s2 = Vector.FusedMultiplyAdd(w2[i], v, s2);
                    s3 = Vector.FusedMultiplyAdd(w3[i], v, s3);
                }

                output[o] = Vector.Sum(s0) + _bias[o];
                output[o + 1] = Vector.Sum(s1) + _bias[o + 1];
                output[o + 2] = Vector.Sum(s2) + _bias[o + 2];
                output[o + 3] = Vector.Sum(s3) + _bias[o + 3];
            }

            for (; o < _bias.Length; o++)
            {
                var w = weight.Slice(o * _vectors, _vectors);
                Vector<float> s = default;
                for (var i = 0; i < x.Length; i++)
                {
                    s = Vector.FusedMultiplyAdd(w[i], x[i], s);
                }

                output[o] = Vector.Sum(s) + _bias[o];
            }

            if (relu)
            {
                foreach (ref var y in output[.._bias.Length])
                {
                    y = Math.Max(y, 0);
                }
            }
        }
    }
}
