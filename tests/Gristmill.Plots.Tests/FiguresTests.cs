using System.Globalization;
using System.Text;
using System.Xml.Linq;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Gristmill.Plots;

public sealed class FiguresTests
{
    [Fact]
    public void Figures_are_well_formed_svg_with_their_title_and_number()
    {
        var (scores, labels) = Scores();
        foreach (var (figure, says) in new[]
        {
            (Figures.Roc(scores, labels), "AUC 0.83"), (Figures.Calibration(scores, labels, title: "<&> größe"), "<&> größe"),
            (Figures.Curves("loss", [("train", Points(50)), ("validation", Points(5000))]), "validation"), (Figures.Histogram("scores", [1, 2, 2, double.NaN]), "1 not finite"),
        })
        {
            var svg = Svg(figure);
            Assert.Equal("svg", svg.Root!.Name.LocalName);
            Assert.Contains(says, string.Join('\n', svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value)), StringComparison.Ordinal);
            Assert.InRange(figure.Length(), 1000, 300_000);
        }
    }

    [Fact]
    public void A_perfect_and_a_useless_model_have_the_areas_they_should()
    {
        float[] labels = [0, 0, 1, 1];
        Assert.Contains("AUC 1.000", Text(Figures.Roc([0.1f, 0.2f, 0.8f, 0.9f], labels)), StringComparison.Ordinal);
        Assert.Contains("AUC 0.500", Text(Figures.Roc([0.5f, 0.5f, 0.5f, 0.5f], labels)), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Figures.Roc([0.1f, 0.2f], [1, 1]));
    }

    [Fact]
    public void Odd_values_are_drawn_or_left_out_but_never_break_a_figure()
    {
        MetricPoint[] odd = [new(0, 0, double.NaN), new(1, 0, double.PositiveInfinity), new(2, 0, 1e300), new(3, 0, -1e300), new(long.MaxValue, 0, 0)];
        foreach (var figure in new[] { Figures.Curves("odd", [("a", odd), ("none", [])]), Figures.Curves("log", [("a", odd)], logarithmic: true), Figures.Histogram("none", []), Figures.Histogram("same", [3, 3, 3]) })
        {
            Assert.NotNull(Svg(figure).Root);
        }
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("ar-SA")]
    public void Figures_are_the_same_in_every_culture(string culture)
    {
        var (scores, labels) = Scores();
        string[] Drawn() => [Text(Figures.Roc(scores, labels)), Text(Figures.PredictedActual(scores, labels)), Text(Figures.Residuals(scores, labels)), Text(Figures.ConfusionMatrix(scores, [.. labels.Take(10_000)], ["a", "b"]))];
        var expected = Drawn();
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(culture);
            Assert.Equal(expected, Drawn());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Predictions_are_points_until_they_are_many_and_then_cells()
    {
        float[] labels = [.. Enumerable.Range(0, 1000).Select(static i => i % 100)];
        float[] predictions = [.. labels.Select(static label => label + 1)];
        Assert.Equal(1000, Assert.IsType<ScatterSeries>(Figures.PredictedActual(predictions, labels).Model.Series.Single()).Points.Count);

        // A hundred different rows, 11 times each: the cells hold them all, once.
        labels = [.. Enumerable.Repeat(labels, 11).SelectMany(static l => l).Take(1100)];
        predictions = [.. labels.Select(static label => label + 1)];
        var figure = Figures.PredictedActual(predictions, labels);
        var cells = Assert.IsType<RectangleBarSeries>(figure.Model.Series.Single()).Items;
        Assert.InRange(cells.Count, 48, 100);
        Assert.All(cells, static cell => Assert.InRange(((cell.Y0 + cell.Y1) / 2) - ((cell.X0 + cell.X1) / 2), -1.5, 3.5));
        Assert.Contains("R² 0.999, RMSE 1 over 1,100 rows", Text(figure), StringComparison.Ordinal);
    }

    [Fact]
    public void Residuals_are_actual_minus_predicted_and_all_are_counted()
    {
        var figure = Figures.Residuals([1, 2, 3, 4], [2, 3, 4, 7], bins: 4);
        Assert.Equal([3, 0, 0, 1], Assert.IsType<RectangleBarSeries>(figure.Model.Series.Single()).Items.Select(static bar => bar.Y1));
        Assert.Contains("Mean 1.5, standard deviation 0.866 over 4 rows", Text(figure), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Figures.Residuals([1], [1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Figures.PredictedActual([1], [1, 2]));
    }

    [Fact]
    public void A_few_far_numbers_squeeze_nothing_and_those_that_are_none_are_counted()
    {
        float[] labels = [.. Enumerable.Range(0, 5000).Select(static i => (float)(i % 10)), 1e30f, 1, float.NegativeInfinity];
        float[] predictions = [.. Enumerable.Range(0, 5000).Select(static i => (float)(i % 10)), 1, float.NaN, 2];
        foreach (var figure in new[] { Figures.PredictedActual(predictions, labels), Figures.Residuals([.. predictions.Select(static (p, i) => p + (i % 3))], labels) })
        {
            Assert.All(Assert.IsType<RectangleBarSeries>(figure.Model.Series.Single()).Items, static bar => Assert.InRange(bar.X1, -10, 20));
            Assert.Contains("over 5,001 rows, 2 not finite, 1 out of view", Text(figure), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Numbers_of_any_size_one_value_and_none_are_drawn()
    {
        foreach (var (predictions, labels) in new (float[], float[])[]
        {
            ([], []), ([float.NaN], [1]), ([3], [3]), ([0, 0], [0, 0]), ([float.MaxValue, float.MinValue], [float.MinValue, float.MaxValue]),
            ([float.Epsilon, 0], [0, float.Epsilon]), ([.. Enumerable.Repeat(3f, 2000)], [.. Enumerable.Repeat(3f, 2000)]),
        })
        {
            foreach (var figure in new[] { Figures.PredictedActual(predictions, labels), Figures.Residuals(predictions, labels) })
            {
                var text = Text(figure);
                Assert.Equal("svg", XDocument.Parse(text).Root!.Name.LocalName);
                Assert.DoesNotContain("NaN", text, StringComparison.Ordinal);
                Assert.DoesNotContain("∞", text, StringComparison.Ordinal);
                Assert.True(figure.Model.Axes[0].ActualMinimum < figure.Model.Axes[0].ActualMaximum);
                Assert.All(figure.Model.Series.OfType<RectangleBarSeries>().SelectMany(static series => series.Items), static bar => Assert.True(bar.X0 < bar.X1));
            }
        }
    }

    [Fact]
    public void A_confusion_matrix_counts_and_shades_by_the_actual_class()
    {
        // Two of a are right and one is a b; a tie is the first class; the last two rows have no class and no prediction.
        float[] probabilities = [0.9f, 0.1f, 0, 0.5f, 0.5f, 0, 0.2f, 0.8f, 0, 0, 0.1f, 0.9f, 1, 0, 0, float.NaN, 0, 1];
        var figure = Figures.ConfusionMatrix(probabilities, [0, 0, 0, 2, 3, 2], ["a", "b", "c"]);
        Assert.Contains("Accuracy 0.750 over 4 rows, 2 left out", Text(figure), StringComparison.Ordinal);
        Assert.Equal([(0, 0, "2"), (1, 0, "1"), (2, 2, "1")], Counts(figure));

        var cells = Assert.IsType<RectangleBarSeries>(figure.Model.Series.Single()).Items;
        Assert.Equal(PlotStyle.Shade(2 / 3.0), cells[0].Color);
        Assert.Equal(PlotStyle.Shade(1), cells[2].Color);

        Assert.Contains("No rows", Text(Figures.ConfusionMatrix([], [], ["a", "b"])), StringComparison.Ordinal);
        Assert.Equal([(0, 0, "1")], Counts(Figures.ConfusionMatrix([1], [0], ["only"])));
        Assert.Throws<ArgumentOutOfRangeException>(() => Figures.ConfusionMatrix([1, 0], [0, 0], ["a", "b"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Figures.ConfusionMatrix([], [], []));
    }

    [Fact]
    public void Of_many_classes_the_most_frequent_are_shown_and_the_others_are_one()
    {
        // 300 classes: class c has c + 1 rows, all right but one row of the last, which is taken for class 0.
        const int classes = 300;
        float[] labels = [.. Enumerable.Range(0, classes).SelectMany(static c => Enumerable.Repeat((float)c, c + 1))];
        var probabilities = new float[labels.Length * classes];
        for (var i = 0; i < labels.Length; i++)
        {
            probabilities[(i * classes) + (i == labels.Length - 1 ? 0 : (int)labels[i])] = 1;
        }

        var figure = Figures.ConfusionMatrix(probabilities, labels, [.. Enumerable.Range(0, classes).Select(static c => $"a class of number {c}")]);
        var names = figure.Model.Axes.OfType<CategoryAxis>().First().Labels;
        Assert.Equal(Figures.MaxClasses, names.Count);
        Assert.Equal(["a class …ber 276", "a class …ber 299", "other (276)"], [names[0], names[23], names[24]]);
        Assert.Equal([(23, 23, "299"), (24, 23, "1"), (24, 24, "38.2k")], Counts(figure).TakeLast(3));
        Assert.Contains("Accuracy 1.000 over 45,150 rows", Text(figure), StringComparison.Ordinal);
        Assert.InRange(figure.Length(), 1000, 300_000);
    }

    [Fact]
    public void Figures_of_the_same_rows_are_equal_to_the_byte()
    {
        var (scores, labels) = Scores();
        Assert.Equal(Text(Figures.PredictedActual(scores, labels)), Text(Figures.PredictedActual(scores, labels)));
        Assert.Equal(Text(Figures.Residuals(scores, labels)), Text(Figures.Residuals(scores, labels)));
        Assert.Equal(Text(Figures.ConfusionMatrix(scores, [.. labels.Take(10_000)], ["a", "b"])), Text(Figures.ConfusionMatrix(scores, [.. labels.Take(10_000)], ["a", "b"])));
    }

    private static IEnumerable<(int Predicted, int Actual, string Rows)> Counts(PlotFigure figure) =>
        figure.Model.Annotations.Cast<TextAnnotation>().Select(static text => ((int)text.TextPosition.X, (int)text.TextPosition.Y, text.Text!));

    private static (float[] Scores, float[] Labels) Scores()
    {
        var random = new Random(3);
        var (scores, labels) = (new float[20_000], new float[20_000]);
        for (var i = 0; i < scores.Length; i++)
        {
            scores[i] = random.NextSingle();
            labels[i] = random.NextSingle() < scores[i] ? 1 : 0;
        }

        return (scores, labels);
    }

    private static MetricPoint[] Points(int count) => [.. Enumerable.Range(0, count).Select(static i => new MetricPoint(i, i, 1.0 / (i + 1)))];

    private static XDocument Svg(IFigure figure) => XDocument.Parse(Text(figure));

    private static string Text(IFigure figure)
    {
        using var stream = new MemoryStream();
        figure.Write(stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}

file static class FigureLength
{
    public static long Length(this IFigure figure)
    {
        using var stream = new MemoryStream();
        figure.Write(stream);
        return stream.Length;
    }
}
