using System.Collections.Immutable;

namespace Gristmill.Engines;

/// <summary>How good the probabilities of several classes are.</summary>
public sealed record MulticlassMetrics
{
    private const double Floor = 1e-15;

    /// <summary>Rows measured.</summary>
    public required long Rows { get; init; }
    /// <summary>Share of rows whose most probable class (the first of equals) is the label.</summary>
    public required double Accuracy { get; init; }
    /// <summary>Mean of -ln(p of the true class), p clipped to 1e-15 .. 1 - 1e-15; nats.</summary>
    public required double LogLoss { get; init; }
    /// <summary>Unweighted mean of each class's F1, over the classes that are a label or a prediction of some row.</summary>
    public required double MacroF1 { get; init; }

    /// <summary>Measures.</summary>
    /// <param name="probabilities">rows x classes, row-major.</param>
    /// <param name="labels">Class index a row.</param>
    /// <param name="classes">Number of classes, 2 or more.</param>
    /// <exception cref="GristmillException">bad_value: no rows, a probability that is NaN or outside 0 .. 1, a label that is no class.</exception>
    public static MulticlassMetrics Compute(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels, int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfNotEqual(probabilities.Length, checked(labels.Length * classes));
        MetricInputs.Rows(labels.Length, labels.Length);
        var actual = new long[classes];
        var predicted = new long[classes];
        var right = new long[classes];
        double loss = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            var row = probabilities.Slice(i * classes, classes);
            var winner = 0;
            for (var c = 0; c < classes; c++)
            {
                // A thousandth for what softmax in 32 bits rounds.
                if (!(row[c] is >= 0 and <= 1.001f))
                {
                    throw float.IsNaN(row[c]) ? PredictionOutput.NotANumber(i) : MetricInputs.Bad(i, $"the score {row[c]} is no probability");
                }

                winner = row[c] > row[winner] ? c : winner;
            }

            if (!(labels[i] >= 0 && labels[i] < classes) || labels[i] != (int)labels[i])
            {
                throw MetricInputs.Bad(i, $"the label {labels[i]} is none of the {classes} classes");
            }

            var label = (int)labels[i];
            loss -= Math.Log(Math.Clamp(row[label], Floor, 1 - Floor));
            actual[label]++;
            predicted[winner]++;
            right[label] += winner == label ? 1 : 0;
        }

        double f1 = 0;
        var seen = 0;
        for (var c = 0; c < classes; c++)
        {
            if (actual[c] + predicted[c] > 0)
            {
                seen++;
                f1 += 2.0 * right[c] / (actual[c] + predicted[c]);
            }
        }

        return new MulticlassMetrics
        {
            Rows = labels.Length,
            Accuracy = (double)right.Sum() / labels.Length,
            LogLoss = loss / labels.Length,
            MacroF1 = f1 / seen,
        };
    }

    /// <summary>By name: rows, accuracy, logloss, f1 (macro).</summary>
    public ImmutableDictionary<string, double> ToMetrics() => ImmutableDictionary<string, double>.Empty
        .Add("rows", Rows).Add("accuracy", Accuracy).Add("logloss", LogLoss).Add("f1", MacroF1);
}
