using System.Collections.Immutable;

namespace Gristmill.Engines;

/// <summary>How good probabilities of a yes are.</summary>
public sealed record BinaryMetrics
{
    /// <summary>Bins of <see cref="Calibration"/> unless said otherwise, as in Guo et al. 2017.</summary>
    public const int DefaultBins = 15;

    // A wrong answer given with certainty costs -ln(1e-15) = 34.5 nats, not infinity.
    private const double Floor = 1e-15;

    /// <summary>Rows measured.</summary>
    public required long Rows { get; init; }
    /// <summary>Rows whose label is 1.</summary>
    public required long Positives { get; init; }
    /// <summary>Area under the ROC curve (<see cref="RocAuc"/>); null where all rows are of one class.</summary>
    public required double? Auc { get; init; }
    /// <summary>Mean of -ln(p of the true class), p clipped to 1e-15 .. 1 - 1e-15; nats.</summary>
    public required double LogLoss { get; init; }
    /// <summary>Share of rows where (p >= 0.5) is the label.</summary>
    public required double Accuracy { get; init; }
    /// <summary>True positives / predicted positives; 0 where none is predicted.</summary>
    public required double Precision { get; init; }
    /// <summary>True positives / positives; 0 where there are none.</summary>
    public required double Recall { get; init; }
    /// <summary>2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall; 0 where there is no TP.</summary>
    public required double F1 { get; init; }
    /// <summary>Mean of (p - label) squared (Brier, Verification of forecasts expressed in terms of probability, 1950).</summary>
    public required double Brier { get; init; }
    /// <summary>
    /// Expected calibration error: over bins, share of rows x |mean p - share of positives| (Naeini, Cooper and Hauskrecht, AAAI 2015,
    /// with equal-width bins as Guo et al., ICML 2017).
    /// </summary>
    public required double CalibrationError { get; init; }
    /// <summary>The calibration table: bins of equal width over 0 .. 1, empty ones included.</summary>
    public required ImmutableArray<CalibrationBin> Calibration { get; init; }

    /// <summary>Measures.</summary>
    /// <param name="probabilities">Probability of a yes, 0 to 1, a row.</param>
    /// <param name="labels">0 or 1 a row.</param>
    /// <param name="bins">Bins of the calibration table.</param>
    /// <exception cref="GristmillException">bad_value: no rows, a probability that is NaN or outside 0 .. 1, a label that is neither 0 nor 1.</exception>
    public static BinaryMetrics Compute(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels, int bins = DefaultBins)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        MetricInputs.Rows(probabilities.Length, labels.Length);
        long truePositives = 0, falsePositives = 0, falseNegatives = 0;
        double loss = 0, brier = 0;
        var counts = new long[bins];
        var positives = new long[bins];
        var sums = new double[bins];
        for (var i = 0; i < labels.Length; i++)
        {
            double p = probabilities[i];
            if (!(p is >= 0 and <= 1))
            {
                throw double.IsNaN(p) ? PredictionOutput.NotANumber(i) : MetricInputs.Bad(i, $"the score {p} is no probability");
            }

            var positive = MetricInputs.IsPositive(labels, i);
            loss -= Math.Log(Math.Clamp(positive ? p : 1 - p, Floor, 1 - Floor));
            var distance = positive ? 1 - p : p;
            brier += distance * distance;
            var predicted = p >= PredictionOutput.Threshold;
            truePositives += predicted && positive ? 1 : 0;
            falsePositives += predicted && !positive ? 1 : 0;
            falseNegatives += !predicted && positive ? 1 : 0;
            var bin = Math.Min((int)(p * bins), bins - 1);
            counts[bin]++;
            sums[bin] += p;
            positives[bin] += positive ? 1 : 0;
        }

        var table = ImmutableArray.CreateBuilder<CalibrationBin>(bins);
        double error = 0;
        for (var b = 0; b < bins; b++)
        {
            table.Add(new CalibrationBin((double)b / bins, (double)(b + 1) / bins, counts[b],
                counts[b] == 0 ? null : sums[b] / counts[b], counts[b] == 0 ? null : (double)positives[b] / counts[b]));
            error += Math.Abs(sums[b] - positives[b]) / labels.Length;
        }

        return new BinaryMetrics
        {
            Rows = labels.Length,
            Positives = truePositives + falseNegatives,
            Auc = RocAuc.Compute(probabilities, labels),
            LogLoss = loss / labels.Length,
            Accuracy = (double)(labels.Length - falsePositives - falseNegatives) / labels.Length,
            Precision = Share(truePositives, truePositives + falsePositives),
            Recall = Share(truePositives, truePositives + falseNegatives),
            F1 = Share(2 * truePositives, (2 * truePositives) + falsePositives + falseNegatives),
            Brier = brier / labels.Length,
            CalibrationError = error,
            Calibration = table.MoveToImmutable(),
        };
    }

    /// <summary>By name: rows, positives, auc (absent where all rows are of one class), logloss, accuracy, precision, recall, f1, brier, ece.</summary>
    public ImmutableDictionary<string, double> ToMetrics()
    {
        var metrics = ImmutableDictionary<string, double>.Empty
            .Add("rows", Rows).Add("positives", Positives).Add("logloss", LogLoss).Add("accuracy", Accuracy).Add("precision", Precision)
            .Add("recall", Recall).Add("f1", F1).Add("brier", Brier).Add("ece", CalibrationError);
        return Auc is { } auc ? metrics.Add("auc", auc) : metrics;
    }

    private static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}

/// <summary>One row of a calibration table.</summary>
/// <param name="From">Lowest probability of the bin.</param>
/// <param name="To">Its upper end, not included but in the last bin.</param>
/// <param name="Rows">Rows in it.</param>
/// <param name="MeanScore">Mean probability, or null if empty.</param>
/// <param name="PositiveRate">Share of positives, or null if empty.</param>
public sealed record CalibrationBin(double From, double To, long Rows, double? MeanScore, double? PositiveRate);
