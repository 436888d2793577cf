using Gristmill.Engines.Torch.Interop;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>
/// Scores with a tabular MLP: few rows by <see cref="MlpScorer"/>, many by torch, which is loaded when the first such
/// batch comes and not before.
/// </summary>
internal sealed class MlpPredictor : MatrixPredictorBase
{
    /// <summary>Rows from which torch is used: below, a call into it costs more than it saves.</summary>
    public const int TorchRows = 1024;

    private readonly MlpWeights _weights;
    private readonly MlpScorer _scorer;
    private readonly int _threads;
    private readonly Lock _gate = new();
    private volatile MlpNetwork? _network;
    private bool _disposed;

    public MlpPredictor(ModelManifest manifest, FeatureEncoder encoder, MlpWeights weights, int threads)
        : base(manifest, encoder)
    {
        _weights = weights;
        _scorer = new MlpScorer(weights);
        _threads = threads;
    }

    /// <inheritdoc/>
    public override void Score(ReadOnlySpan<float> features, int rows, Span<float> scores)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNotEqual(features.Length, checked(rows * Encoder.Width));
        ArgumentOutOfRangeException.ThrowIfNotEqual(scores.Length, checked(rows * ScoresPerRow));
        if (rows < TorchRows)
        {
            _scorer.Forward(features, Encoder.Width, rows, scores);
        }
        else
        {
            ScoreInTorch(features, rows, scores);
        }

        Activation.Apply(Manifest.Task, scores, ScoresPerRow);
    }

    /// <summary>The same by torch, whatever the number of rows; without the activation.</summary>
    internal void ScoreInTorch(ReadOnlySpan<float> features, int rows, Span<float> scores)
    {
        var network = Network();
        TorchRuntime.SetThreads(_threads);
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var outputs = ForeignTensors.Lend(features, rows, Encoder.Width, m => network.Forward(m, training: false).contiguous());
        ForeignTensors.AsSpan<float>(outputs).CopyTo(scores);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_gate)
        {
            _disposed = true;
            _network?.Dispose();
            _network = null;
        }

        base.Dispose(disposing);
    }

    private MlpNetwork Network()
    {
        if (_network is { } network)
        {
            return network;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            TorchRuntime.EnsureLoaded();
            return _network ??= new MlpNetwork(_weights, trainable: false);
        }
    }
}
