namespace Gristmill.Engines.MLNet;

/// <summary>Scores encoded rows with trees.</summary>
internal sealed class LightGbmPredictor : MatrixPredictorBase
{
    private readonly LightGbmScorer _scorer;

    internal LightGbmPredictor(string path, ModelManifest manifest, FeatureEncoder encoder, int threads)
        : base(manifest, encoder) => _scorer = new LightGbmScorer(path, encoder.Width, ScoresPerRow, threads);

    /// <summary>Trees look at one row at a time and sum its leaves in their order.</summary>
    public override bool ScoresRowsAlone => true;

    /// <inheritdoc/>
    public override void Score(ReadOnlySpan<float> features, int rows, Span<float> scores) => _scorer.Score(features, rows, scores);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _scorer.Dispose();
        base.Dispose(disposing);
    }
}
