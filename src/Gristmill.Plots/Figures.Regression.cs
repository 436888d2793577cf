using System.Globalization;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Gristmill.Plots;

/// <content>Those of models that predict a number.</content>
public static partial class Figures
{
    private const int MaxScatter = 1000;
    private const int Cells = 48;
    private const int SampledRows = 8192;

    /// <summary>
    /// Predicted numbers over the actual ones; a perfect model lies on the diagonal. Up to 1,000 rows are points; more are counted in 48 x 48
    /// cells, shaded by their logarithm.
    /// </summary>
    /// <param name="predictions">A number a row.</param>
    /// <param name="labels">The actual number a row. Rows where either is not finite are left out, and counted below the title; so are those so far away that all others would be squeezed.</param>
    /// <param name="title">What it shows.</param>
    /// <exception cref="ArgumentException">The counts differ.</exception>
    public static PlotFigure PredictedActual(ReadOnlySpan<float> predictions, ReadOnlySpan<float> labels, string title = "Predicted over actual")
    {
        var fit = Fit.Of(predictions, labels);
        var sample = new List<double>(2 * SampledRows);
        for (var i = 0; i < labels.Length; i += 1 + (labels.Length / SampledRows))
        {
            if (Fit.Has(predictions[i], labels[i]))
            {
                sample.AddRange(predictions[i], labels[i]);
            }
        }

        var (low, high) = Frame(sample, fit.Lowest, fit.Highest);
        var points = new ScatterSeries { MarkerType = MarkerType.Circle, MarkerSize = 3, MarkerFill = OxyColor.FromAColor(0x80, PlotStyle.Colour(0)), MarkerStrokeThickness = 0 };
        var counts = new long[Cells * Cells];
        var outside = 0L;
        for (var i = 0; i < labels.Length; i++)
        {
            double x = labels[i], y = predictions[i];
            if (!Fit.Has(predictions[i], labels[i]))
            {
                continue;
            }

            if (x < low || x > high || y < low || y > high)
            {
                outside++;
            }
            else if (fit.Rows <= MaxScatter)
            {
                points.Points.Add(new ScatterPoint(x, y));
            }
            else
            {
                counts[(Bin(y, low, high, Cells) * Cells) + Bin(x, low, high, Cells)]++;
            }
        }

        var model = PlotStyle.Create(title);
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Bottom, "Actual", low, high));
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Left, "Predicted", low, high));
        if (fit.Rows <= MaxScatter)
        {
            model.Series.Add(points);
        }
        else
        {
            model.Series.Add(Shaded(counts, low, (high - low) / Cells));
            model.Axes.Add(PlotStyle.CountAxis(counts.Max()));
        }

        model.Annotations.Add(Ideal(LineAnnotationType.LinearEquation));
        PlotStyle.Subtitle(model, (fit.R2 is { } r2 ? string.Create(CultureInfo.InvariantCulture, $"R² {r2:0.000}, ") : "")
            + (fit.Rows == 0 ? "No rows" : string.Create(CultureInfo.InvariantCulture, $"RMSE {fit.Rmse:G4} over {fit.Rows:N0} rows"))
            + Count(labels.Length - fit.Rows, "not finite") + Count(outside, "out of view"));
        return new PlotFigure(model, fit.Rows <= MaxScatter ? 480 : 540, 470);
    }

    /// <summary>How the residuals, actual minus predicted, are spread; those of a good model lie narrowly around 0.</summary>
    /// <param name="predictions">A number a row.</param>
    /// <param name="labels">The actual number a row. Rows where either is not finite are left out, and counted below the title; so are residuals so far away that all others would be squeezed.</param>
    /// <param name="bins">Bins of equal width.</param>
    /// <param name="title">What it shows.</param>
    /// <exception cref="ArgumentException">The counts differ.</exception>
    public static PlotFigure Residuals(ReadOnlySpan<float> predictions, ReadOnlySpan<float> labels, int bins = 60, string title = "Residuals")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        var fit = Fit.Of(predictions, labels);
        var sample = new List<double>(SampledRows);
        for (var i = 0; i < labels.Length; i += 1 + (labels.Length / SampledRows))
        {
            if (Fit.Has(predictions[i], labels[i]))
            {
                sample.Add((double)labels[i] - predictions[i]);
            }
        }

        var (low, high) = Frame(sample, fit.LowestResidual, fit.HighestResidual);
        var counts = new long[bins];
        var outside = 0L;
        for (var i = 0; i < labels.Length; i++)
        {
            var residual = (double)labels[i] - predictions[i];
            if (!Fit.Has(predictions[i], labels[i]))
            {
                continue;
            }

            if (residual < low || residual > high)
            {
                outside++;
            }
            else
            {
                counts[Bin(residual, low, high, bins)]++;
            }
        }

        var model = Bars(title, "Residual: actual minus predicted", counts, low, (high - low) / bins);
        model.Annotations.Add(Ideal(LineAnnotationType.Vertical));
        PlotStyle.Subtitle(model, (fit.Rows == 0 ? "No rows" : string.Create(CultureInfo.InvariantCulture, $"Mean {fit.Bias:G4}, standard deviation {fit.Deviation:G4} over {fit.Rows:N0} rows"))
            + Count(labels.Length - fit.Rows, "not finite") + Count(outside, "out of view"));
        return new PlotFigure(model);
    }

    /// <summary>Where a perfect model lies; above what is dense enough to hide it.</summary>
    private static LineAnnotation Ideal(LineAnnotationType type) =>
        new() { Type = type, Slope = 1, X = 0, Color = PlotStyle.Colour(1), LineStyle = LineStyle.Dash, StrokeThickness = 1.5, Layer = AnnotationLayer.AboveSeries };

    private static RectangleBarSeries Shaded(ReadOnlySpan<long> counts, double low, double width)
    {
        var most = 0L;
        foreach (var count in counts)
        {
            most = Math.Max(most, count);
        }

        var series = new RectangleBarSeries { StrokeThickness = 0 };
        for (var cell = 0; cell < counts.Length; cell++)
        {
            if (counts[cell] > 0)
            {
                var (x, y) = (low + (cell % Cells * width), low + (cell / Cells * width));
                series.Items.Add(new RectangleBarItem(x, y, x + width, y + width) { Color = PlotStyle.Shade(Math.Log(counts[cell]) / Math.Log(Math.Max(2, most))) });
            }
        }

        return series;
    }

    private static int Bin(double value, double low, double high, int bins) => Math.Clamp((int)((value - low) / (high - low) * bins), 0, bins - 1);

    /// <summary>The range to show: all of it, unless the outermost hundredth at an end is farther from the others than half of what they span.</summary>
    private static (double Low, double High) Frame(List<double> sample, double lowest, double highest)
    {
        if (sample.Count == 0)
        {
            return (-1, 1);
        }

        sample.Sort();
        var cut = sample.Count / 100;
        var (from, to) = (sample[cut], sample[^(cut + 1)]);
        if (to > from)
        {
            (lowest, highest) = (Math.Max(lowest, from - ((to - from) / 2)), Math.Min(highest, to + ((to - from) / 2)));
        }

        var room = highest > lowest ? (highest - lowest) * 0.02 : Math.Max(Math.Abs(lowest) * 0.05, 1e-3);
        return (lowest - room, highest + room);
    }

    /// <summary>What one pass says of a regression; rows that are not finite are left out.</summary>
    private readonly record struct Fit(long Rows, double Rmse, double? R2, double Bias, double Deviation, double Lowest, double Highest, double LowestResidual, double HighestResidual)
    {
        public static bool Has(float prediction, float label) => float.IsFinite(prediction) && float.IsFinite(label);

        public static Fit Of(ReadOnlySpan<float> predictions, ReadOnlySpan<float> labels)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, predictions.Length);
            var rows = 0L;
            // Welford's means: sums of squares of large labels would cancel.
            double squares = 0, mean = 0, spread = 0, bias = 0, residuals = 0;
            var (low, high, lowResidual, highResidual) = (double.PositiveInfinity, double.NegativeInfinity, double.PositiveInfinity, double.NegativeInfinity);
            for (var i = 0; i < labels.Length; i++)
            {
                if (!Has(predictions[i], labels[i]))
                {
                    continue;
                }

                double label = labels[i], residual = label - predictions[i];
                rows++;
                squares += residual * residual;
                var (fromMean, fromBias) = (label - mean, residual - bias);
                mean += fromMean / rows;
                spread += fromMean * (label - mean);
                bias += fromBias / rows;
                residuals += fromBias * (residual - bias);
                (low, high) = (Math.Min(low, Math.Min(label, predictions[i])), Math.Max(high, Math.Max(label, predictions[i])));
                (lowResidual, highResidual) = (Math.Min(lowResidual, residual), Math.Max(highResidual, residual));
            }

            var count = Math.Max(1, rows);
            return new Fit(rows, Math.Sqrt(squares / count), spread > 0 ? 1 - (squares / spread) : null, bias, Math.Sqrt(residuals / count), low, high, lowResidual, highResidual);
        }
    }
}
