using Gristmill.Plots;

namespace Gristmill.Engines.Core;

/// <summary>The figures that evaluations make by themselves: a few passes over the scores, counted into bins, and small files beside the run.</summary>
internal static class EvaluationFigures
{
    public static void Draw(StageContext context, string name, ModelManifest manifest, float[] scores, float[] labels)
    {
        // What is wrong with scores and labels, the metrics say; a name that no artifact may have is no reason to fail.
        if (ReferenceEquals(context.Track, Tracker.None) || !TrackRules.IsName($"figures/{name}/confusion-matrix.svg"))
        {
            return;
        }

        switch (manifest.Task)
        {
            case ModelTask.Binary when !scores.AsSpan().ContainsAnyExceptInRange(0f, 1f) && labels.Contains(0f) && labels.Contains(1f):
                context.Track.Figure($"{name}/roc", Figures.Roc(scores, labels, $"ROC curve: {name}"));
                context.Track.Figure($"{name}/calibration", Figures.Calibration(scores, labels, title: $"Calibration: {name}"));
                break;
            case ModelTask.Regression:
                context.Track.Figure($"{name}/predicted-actual", Figures.PredictedActual(scores, labels, $"Predicted over actual: {name}"));
                context.Track.Figure($"{name}/residuals", Figures.Residuals(scores, labels, title: $"Residuals: {name}"));
                break;
            case ModelTask.Multiclass:
                context.Track.Figure($"{name}/confusion-matrix", Figures.ConfusionMatrix(scores, labels, manifest.Classes, $"Confusion matrix: {name}"));
                break;
        }
    }
}
