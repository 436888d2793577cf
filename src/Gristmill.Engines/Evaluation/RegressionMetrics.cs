using System.Collections.Immutable;

namespace Gristmill.Engines;

/// <summary>How good predicted numbers are.</summary>
public sealed record RegressionMetrics
{
    /// <summary>Rows measured.</summary>
    public required long Rows { get; init; }
    /// <summary>Root of the mean squared error, in the label's unit.</summary>
    public required double Rmse { get; init; }
    /// <summary>Mean absolute error, in the label's unit.</summary>
    public required double Mae { get; init; }
    /// <summary>Coefficient of determination: 1 - squared errors / squared distances from the labels' mean; null where all labels are equal.</summary>
    public required double? R2 { get; init; }

    /// <summary>Measures.</summary>
    /// <param name="predictions">A number a row.</param>
    /// <param name="labels">A number a row.</param>
    /// <exception cref="GristmillException">bad_value: no rows, or a number that is NaN or infinite.</exception>
    public static RegressionMetrics Compute(ReadOnlySpan<float> predictions, ReadOnlySpan<float> labels)
    {
        MetricInputs.Rows(predictions.Length, labels.Length);
        double squares = 0, absolutes = 0, sum = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            if (!float.IsFinite(predictions[i]) || !float.IsFinite(labels[i]))
            {
                throw float.IsNaN(predictions[i]) ? PredictionOutput.NotANumber(i) : MetricInputs.Bad(i, "the score or the label is not finite");
            }

            var error = (double)predictions[i] - labels[i];
            squares += error * error;
            absolutes += Math.Abs(error);
            sum += labels[i];
        }

        // A second pass around the mean: sums of squares of large labels would cancel.
        var mean = sum / labels.Length;
        double spread = 0;
        foreach (var label in labels)
        {
            spread += (label - mean) * (label - mean);
        }

        return new RegressionMetrics
        {
            Rows = labels.Length,
            Rmse = Math.Sqrt(squares / labels.Length),
            Mae = absolutes / labels.Length,
            R2 = spread > 0 ? 1 - (squares / spread) : null,
        };
    }

    /// <summary>By name: rows, rmse, mae, r2 (absent where all labels are equal).</summary>
    public ImmutableDictionary<string, double> ToMetrics()
    {
        var metrics = ImmutableDictionary<string, double>.Empty.Add("rows", Rows).Add("rmse", Rmse).Add("mae", Mae);
        return R2 is { } r2 ? metrics.Add("r2", r2) : metrics;
    }
}
