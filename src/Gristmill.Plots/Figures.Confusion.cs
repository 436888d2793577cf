using System.Globalization;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Gristmill.Plots;

/// <content>Those of models that choose among classes.</content>
public static partial class Figures
{
    /// <summary>Classes that a confusion matrix shows; of more, all but the most frequent are one, "other".</summary>
    public const int MaxClasses = 25;

    private const int MaxClassName = 16;

    /// <summary>
    /// A confusion matrix: how many rows of each class, from top to bottom, were taken for which, from left to right. Shades are shares of the
    /// actual class; no count is 0. Of more than <see cref="MaxClasses"/> classes the most frequent are shown, and the rest as "other".
    /// </summary>
    /// <param name="probabilities">rows x classes, row-major; the most probable class (the first of equals) is the prediction.</param>
    /// <param name="labels">Class index a row. Rows with a label that is no class or a probability that is NaN are left out, and counted below the title.</param>
    /// <param name="classes">The classes' names, 1 or more.</param>
    /// <param name="title">What it shows.</param>
    /// <exception cref="ArgumentException">The counts differ, or there is no class.</exception>
    public static PlotFigure ConfusionMatrix(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels, IReadOnlyList<string> classes, string title = "Confusion matrix")
    {
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes.Count, 1, nameof(classes));
        ArgumentOutOfRangeException.ThrowIfNotEqual(probabilities.Length, (long)labels.Length * classes.Count, nameof(probabilities));
        var frequency = new long[classes.Count];
        foreach (var label in labels)
        {
            if (IsClass(label, classes.Count))
            {
                frequency[(int)label]++;
            }
        }

        var all = classes.Count <= MaxClasses;
        int[] shown = [.. Enumerable.Range(0, classes.Count).OrderByDescending(c => frequency[c]).Take(all ? MaxClasses : MaxClasses - 1).Order()];
        var places = new int[classes.Count];
        Array.Fill(places, shown.Length);
        for (var place = 0; place < shown.Length; place++)
        {
            places[shown[place]] = place;
        }

        var names = shown.Select(c => Short(classes[c])).ToList();
        if (!all)
        {
            names.Add(string.Create(CultureInfo.InvariantCulture, $"other ({classes.Count - shown.Length:N0})"));
        }

        var counts = new long[names.Count, names.Count];
        long rows = 0, right = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            if (IsClass(labels[i], classes.Count) && Winner(probabilities.Slice(i * classes.Count, classes.Count)) is >= 0 and var winner)
            {
                rows++;
                right += winner == (int)labels[i] ? 1 : 0;
                counts[places[(int)labels[i]], places[winner]]++;
            }
        }

        var text = (rows == 0 ? "No rows" : string.Create(CultureInfo.InvariantCulture, $"Accuracy {(double)right / rows:0.000} over {rows:N0} rows"))
            + Count(labels.Length - rows, "left out");
        return Matrix(title, text, names, counts, all ? -1 : shown.Length);
    }

    private static PlotFigure Matrix(string title, string subtitle, List<string> names, long[,] counts, int other)
    {
        var size = names.Count;
        var cell = Math.Clamp(360.0 / size, 34, 130);
        var longest = names.Max(static name => name.Length) * 6.5;
        var model = PlotStyle.Create(title);
        model.Legends.Clear();
        model.Axes.Add(PlotStyle.ClassAxis(AxisPosition.Bottom, "Predicted", names, longest > cell ? -45 : 0));
        model.Axes.Add(PlotStyle.ClassAxis(AxisPosition.Left, "Actual", names));
        var cells = new RectangleBarSeries { StrokeThickness = 0 };
        for (var actual = 0; actual < size; actual++)
        {
            var total = Enumerable.Range(0, size).Sum(c => counts[actual, c]);
            for (var predicted = 0; predicted < size; predicted++)
            {
                if (counts[actual, predicted] is > 0 and var count)
                {
                    var share = (double)count / total;
                    cells.Items.Add(new RectangleBarItem(predicted - 0.48, actual - 0.48, predicted + 0.48, actual + 0.48)
                    {
                        // Among the others right and wrong are one.
                        Color = actual == other && predicted == other ? OxyColor.FromAColor(0x40, PlotStyle.Reference) : PlotStyle.Shade(share),
                    });
                    model.Annotations.Add(new TextAnnotation
                    {
                        Text = Compact(count),
                        TextPosition = new DataPoint(predicted, actual),
                        TextHorizontalAlignment = HorizontalAlignment.Center,
                        TextVerticalAlignment = VerticalAlignment.Middle,
                        TextColor = share > 0.4 && !(actual == other && predicted == other) ? OxyColors.White : OxyColors.Automatic,
                        FontSize = size <= 10 ? 12 : 10,
                        StrokeThickness = 0,
                    });
                }
            }
        }

        model.Series.Add(cells);
        PlotStyle.Subtitle(model, subtitle);
        var side = cell * size;
        return new PlotFigure(model, Math.Max(400, side + longest + 90), side + (longest > cell ? longest * 0.7 : 10) + 120);
    }

    private static bool IsClass(float label, int classes) => label >= 0 && label < classes && label == (int)label;

    /// <summary>The first of the most probable, or -1 where one is NaN.</summary>
    private static int Winner(ReadOnlySpan<float> probabilities)
    {
        var winner = 0;
        for (var c = 0; c < probabilities.Length; c++)
        {
            if (float.IsNaN(probabilities[c]))
            {
                return -1;
            }

            winner = probabilities[c] > probabilities[winner] ? c : winner;
        }

        return winner;
    }

    private static string Short(string name) => name.Length <= MaxClassName ? name : $"{name[..(MaxClassName / 2)]}…{name[^((MaxClassName / 2) - 1)..]}";

    /// <summary>At most five characters.</summary>
    private static string Compact(long count) => count switch
    {
        < 10_000 => count.ToString(CultureInfo.InvariantCulture),
        < 100_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e3:0.0}k"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1000}k"),
        < 100_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.0}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count / 1_000_000}M"),
    };
}
