using System.Buffers;
using Apache.Arrow;

namespace Gristmill.Engines;

/// <summary>
/// What all predictors over an encoded matrix share: an engine implements <see cref="Score"/>, and gets <see cref="Predict"/> with the
/// common encoder and the columns of <see cref="PredictionOutput"/>.
/// </summary>
public abstract class MatrixPredictorBase : IMatrixPredictor
{
    // Rows scored at once: enough to make a call cheap, little enough that features stay in the second-level cache.
    private const int BlockRows = 8192;

    /// <summary>Takes what every such predictor has.</summary>
    /// <param name="manifest">The package's manifest.</param>
    /// <param name="encoder">The package's encoder.</param>
    protected MatrixPredictorBase(ModelManifest manifest, FeatureEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(encoder);
        Manifest = manifest;
        Encoder = encoder;
        ScoresPerRow = PredictionOutput.ScoresPerRow(manifest);
    }

    /// <inheritdoc/>
    public ModelManifest Manifest { get; }

    /// <inheritdoc/>
    public FeatureEncoder Encoder { get; }

    /// <inheritdoc/>
    public int ScoresPerRow { get; }

    /// <inheritdoc/>
    public virtual bool ScoresRowsAlone => false;

    /// <summary>The fitted encoder of an opened package.</summary>
    /// <param name="folder">The package's folder.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <exception cref="GristmillException">model.format if the package has none or it is malformed.</exception>
    public static FeatureEncoder LoadEncoder(string folder, ModelManifest manifest) => manifest.Features is { } file
        ? FeatureEncoder.Load(File.ReadAllBytes(Path.Combine(folder, file)))
        : throw new GristmillException(ErrorCodes.ModelFormat, $"The model package of engine '{manifest.Engine}' holds no fitted transforms.",
            "Train the model again.");

    /// <inheritdoc/>
    public abstract void Score(ReadOnlySpan<float> features, int rows, Span<float> scores);

    /// <inheritdoc/>
    public RecordBatch Predict(RecordBatch rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var bound = Encoder.Bind(rows);
        var block = Math.Min(BlockRows, Math.Max(rows.Length, 1));
        var features = ArrayPool<float>.Shared.Rent(block * Encoder.Width);
        var scores = ArrayPool<float>.Shared.Rent(rows.Length * ScoresPerRow);
        try
        {
            for (var start = 0; start < rows.Length; start += block)
            {
                var count = Math.Min(block, rows.Length - start);
                var matrix = features.AsSpan(0, count * Encoder.Width);
                bound.Encode(start, count, matrix);
                Score(matrix, count, scores.AsSpan(start * ScoresPerRow, count * ScoresPerRow));
            }

            return PredictionOutput.Build(Manifest, scores.AsSpan(0, rows.Length * ScoresPerRow), rows.Length);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(features);
            ArrayPool<float>.Shared.Return(scores);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the engine holds.</summary>
    /// <param name="disposing">Whether called from Dispose.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
