using System.Globalization;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Gristmill.Plots;

/// <summary>Ready-made figures for <see cref="Track.Figure(string, IFigure)"/>.</summary>
public static partial class Figures
{
    // More than a figure has pixels changes nothing.
    private const int Thresholds = 4096;
    private const int MaxPoints = 2000;

    /// <summary>A receiver operating characteristic: the share of positives found against the share of negatives taken for such, over all thresholds.</summary>
    /// <param name="probabilities">Probability of a yes a row, 0 to 1.</param>
    /// <param name="labels">1 for a yes a row, otherwise 0.</param>
    /// <param name="title">What it shows.</param>
    /// <exception cref="ArgumentException">The counts differ, or labels are of one class.</exception>
    public static PlotFigure Roc(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels, string title = "ROC curve")
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, probabilities.Length);
        var (positives, negatives) = (new long[Thresholds + 1], new long[Thresholds + 1]);
        for (var i = 0; i < labels.Length; i++)
        {
            var bin = (int)(Math.Clamp(probabilities[i], 0f, 1f) * Thresholds);
            (labels[i] > 0.5f ? positives : negatives)[bin]++;
        }

        double yes = positives.Sum(), no = negatives.Sum();
        if (yes == 0 || no == 0)
        {
            throw new ArgumentException("A ROC curve needs labels of both classes.", nameof(labels));
        }

        var curve = new List<DataPoint>(Thresholds + 2) { new(0, 0) };
        double found = 0, wrong = 0, area = 0;
        for (var bin = Thresholds; bin >= 0; bin--)
        {
            if (positives[bin] + negatives[bin] == 0)
            {
                continue;
            }

            area += negatives[bin] / no * ((found + (positives[bin] / 2.0)) / yes);
            found += positives[bin];
            wrong += negatives[bin];
            curve.Add(new DataPoint(wrong / no, found / yes));
        }

        var model = PlotStyle.Create(title);
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Bottom, "False positive rate", 0, 1));
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Left, "True positive rate", 0, 1.005));
        model.Legends.Clear();
        Diagonal(model);
        var filled = new AreaSeries { Color = PlotStyle.Colour(0), Fill = OxyColor.FromAColor(0x22, PlotStyle.Colour(0)), StrokeThickness = 2.2, ConstantY2 = 0, Color2 = OxyColors.Transparent };
        filled.Points.AddRange(Thin(curve));
        model.Series.Add(filled);
        PlotStyle.Subtitle(model, string.Create(CultureInfo.InvariantCulture, $"AUC {area:0.000} over {labels.Length:N0} rows"));
        return new PlotFigure(model, 480, 470);
    }

    /// <summary>A reliability diagram: how often the answer was yes, by the probability that was given for it; a calibrated model lies on the diagonal.</summary>
    /// <param name="probabilities">Probability of a yes a row, 0 to 1.</param>
    /// <param name="labels">1 for a yes a row, otherwise 0.</param>
    /// <param name="bins">Bins of equal width.</param>
    /// <param name="title">What it shows.</param>
    /// <exception cref="ArgumentException">The counts differ.</exception>
    public static PlotFigure Calibration(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels, int bins = 15, string title = "Calibration")
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, probabilities.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        var (rows, sums, positives) = (new long[bins], new double[bins], new double[bins]);
        for (var i = 0; i < labels.Length; i++)
        {
            var bin = Math.Min((int)(Math.Clamp(probabilities[i], 0f, 1f) * bins), bins - 1);
            rows[bin]++;
            sums[bin] += probabilities[i];
            positives[bin] += labels[i] > 0.5f ? 1 : 0;
        }

        var error = Enumerable.Range(0, bins).Sum(b => Math.Abs(sums[b] - positives[b])) / Math.Max(1, labels.Length);
        var model = PlotStyle.Create(title);
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Bottom, "Mean predicted probability", 0, 1));
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Left, "Share of positives", 0, 1.005));
        model.Legends[0].LegendPosition = LegendPosition.LeftTop;
        Diagonal(model);
        var most = (double)Math.Max(1, rows.Max());
        var share = new RectangleBarSeries { Title = "rows", FillColor = OxyColor.FromAColor(0x30, PlotStyle.Reference), StrokeThickness = 0 };
        var line = new LineSeries
        {
            Title = "model",
            Color = PlotStyle.Colour(0),
            StrokeThickness = 2.2,
            MarkerType = MarkerType.Circle,
            MarkerSize = 4,
            MarkerFill = PlotStyle.Colour(0),
            MarkerStroke = OxyColors.White,
            MarkerStrokeThickness = 1.2,
        };
        for (var b = 0; b < bins; b++)
        {
            if (rows[b] > 0)
            {
                // A quarter of the height for the fullest bin: how much there is behind a point.
                share.Items.Add(new RectangleBarItem((b + 0.08) / bins, 0, (b + 0.92) / bins, rows[b] / most * 0.25));
                line.Points.Add(new DataPoint(sums[b] / rows[b], positives[b] / rows[b]));
            }
        }

        model.Series.Add(share);
        model.Series.Add(line);
        PlotStyle.Subtitle(model, string.Create(CultureInfo.InvariantCulture, $"Expected calibration error {error:0.0000} over {labels.Length:N0} rows"));
        return new PlotFigure(model, 480, 470);
    }

    /// <summary>Curves over steps, such as the losses of training and validation.</summary>
    /// <param name="title">What they show.</param>
    /// <param name="curves">Values by step, by name; values that are not finite are gaps.</param>
    /// <param name="xAxis">What steps are.</param>
    /// <param name="yAxis">What values are.</param>
    /// <param name="logarithmic">Whether the values' axis is logarithmic.</param>
    public static PlotFigure Curves(string title, IEnumerable<(string Name, IReadOnlyList<MetricPoint> Points)> curves, string xAxis = "step", string yAxis = "value", bool logarithmic = false)
    {
        ArgumentNullException.ThrowIfNull(curves);
        var model = PlotStyle.Create(title);
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Bottom, xAxis));
        model.Axes.Add(logarithmic ? PlotStyle.LogAxis(AxisPosition.Left, yAxis) : PlotStyle.Axis(AxisPosition.Left, yAxis));
        foreach (var (name, points) in curves)
        {
            var line = new LineSeries
            {
                Title = name,
                Color = PlotStyle.Colour(model.Series.Count),
                StrokeThickness = 2,
                LineJoin = LineJoin.Round,
                MarkerType = points.Count <= 30 ? MarkerType.Circle : MarkerType.None,
                MarkerSize = 3,
                MarkerFill = PlotStyle.Colour(model.Series.Count),
            };
            line.Points.AddRange(Thin([.. points.Select(static p => double.IsFinite(p.Value) ? new DataPoint(p.Step, p.Value) : DataPoint.Undefined)]));
            model.Series.Add(line);
        }

        return new PlotFigure(model);
    }

    /// <summary>How values are spread.</summary>
    /// <param name="title">What they are.</param>
    /// <param name="values">The values; those that are not finite are left out, and counted below the title.</param>
    /// <param name="bins">Bins of equal width.</param>
    /// <param name="xAxis">What a value is.</param>
    public static PlotFigure Histogram(string title, ReadOnlySpan<double> values, int bins = 40, string xAxis = "value")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        var (low, high, finite) = (double.PositiveInfinity, double.NegativeInfinity, 0L);
        foreach (var value in values)
        {
            if (double.IsFinite(value))
            {
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
                finite++;
            }
        }

        var counts = new long[bins];
        var width = finite == 0 ? 1 : high > low ? (high - low) / bins : 1.0 / bins;
        foreach (var value in values)
        {
            if (double.IsFinite(value))
            {
                counts[Math.Clamp((int)((value - low) / width), 0, bins - 1)]++;
            }
        }

        var model = Bars(title, xAxis, finite == 0 ? [] : counts, low, width);
        PlotStyle.Subtitle(model, string.Create(CultureInfo.InvariantCulture, $"{finite:N0} values") + Count(values.Length - finite, "not finite"));
        return new PlotFigure(model);
    }

    private static PlotModel Bars(string title, string xAxis, ReadOnlySpan<long> counts, double low, double width)
    {
        var model = PlotStyle.Create(title);
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Bottom, xAxis));
        model.Axes.Add(PlotStyle.Axis(AxisPosition.Left, "count", 0));
        var bars = new RectangleBarSeries { FillColor = PlotStyle.Colour(0), StrokeThickness = 0 };
        for (var b = 0; b < counts.Length; b++)
        {
            bars.Items.Add(new RectangleBarItem(low + ((b + 0.04) * width), 0, low + ((b + 0.96) * width), counts[b]));
        }

        model.Series.Add(bars);
        return model;
    }

    /// <summary>What a subtitle adds where some rows are not drawn.</summary>
    private static string Count(long rows, string what) => rows == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {rows:N0} {what}");

    private static void Diagonal(PlotModel model) => model.Annotations.Add(new LineAnnotation
    {
        Type = LineAnnotationType.LinearEquation,
        Slope = 1,
        Intercept = 0,
        Color = PlotStyle.Reference,
        LineStyle = LineStyle.Dash,
        Layer = AnnotationLayer.BelowSeries,
    });

    /// <summary>Leaves as many points as a figure can show.</summary>
    private static IEnumerable<DataPoint> Thin(List<DataPoint> points)
    {
        if (points.Count <= MaxPoints)
        {
            return points;
        }

        return Enumerable.Range(0, MaxPoints).Select(i => points[(int)((long)i * (points.Count - 1) / (MaxPoints - 1))]);
    }
}
