using Microsoft.ML;

namespace Gristmill.Engines.MLNet;

/// <summary>Scores encoded rows with an ML.NET model that this engine trained.</summary>
internal sealed class MLNetMatrixPredictor : MatrixPredictorBase
{
    private readonly RowFunctionPool<MatrixRowFunction> _functions;

    internal MLNetMatrixPredictor(ITransformer model, DataViewSchema schema, ModelManifest manifest, FeatureEncoder encoder)
        : base(manifest, encoder)
    {
        _functions = new RowFunctionPool<MatrixRowFunction>(() => new MatrixRowFunction(model, schema, encoder.Width, manifest.Task));
        _functions.Return(_functions.Rent());
    }

    /// <inheritdoc/>
    public override void Score(ReadOnlySpan<float> features, int rows, Span<float> scores)
    {
        var function = _functions.Rent();
        try
        {
            for (var i = 0; i < rows; i++)
            {
                function.Score(features.Slice(i * Encoder.Width, Encoder.Width), scores.Slice(i * ScoresPerRow, ScoresPerRow));
            }
        }
        finally
        {
            _functions.Return(function);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _functions.Dispose();
        base.Dispose(disposing);
    }
}
