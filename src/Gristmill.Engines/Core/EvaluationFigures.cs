using Gristmill.Plots;

namespace Gristmill.Engines.Core;

/// <summary>The figures that evaluations make by themselves: one pass over the scores, and two small files beside the run.</summary>
internal static class EvaluationFigures
{
    public static void Draw(StageContext context, string name, ModelManifest manifest, float[] scores, float[] labels)
    {
        // What is wrong with scores and labels, the metrics say; a name that no artifact may have is no reason to fail.
        if (ReferenceEquals(context.Track, Tracker.None) || manifest.Task != ModelTask.Binary || !TrackRules.IsName(name)
            || scores.AsSpan().ContainsAnyExceptInRange(0f, 1f) || !labels.Contains(0f) || !labels.Contains(1f))
        {
            return;
        }

        context.Track.Figure($"{name}/roc", Figures.Roc(scores, labels, $"ROC curve: {name}"));
        context.Track.Figure($"{name}/calibration", Figures.Calibration(scores, labels, title: $"Calibration: {name}"));
    }
}
