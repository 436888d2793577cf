using System.Globalization;
using System.Text;
using System.Xml.Linq;

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
        var expected = Text(Figures.Roc(scores, labels));
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(culture);
            Assert.Equal(expected, Text(Figures.Roc(scores, labels)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

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
