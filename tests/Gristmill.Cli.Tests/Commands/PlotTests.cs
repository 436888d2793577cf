namespace Gristmill.Cli.Commands;

public sealed class PlotTests
{
    [Fact]
    public void A_sparkline_rises_with_its_values_and_leaves_gaps()
    {
        Assert.Equal("▁▂▃▄▅▆▇█", Plot.Sparkline([0, 1, 2, 3, 4, 5, 6, 7], 24));
        Assert.Equal("▁ █", Plot.Sparkline([0, double.NaN, 1], 24));
        Assert.Equal("▅▅", Plot.Sparkline([3, 3], 24));
        Assert.Equal("", Plot.Sparkline([], 24));
        Assert.Equal(10, Plot.Sparkline([.. Enumerable.Range(0, 1000).Select(static i => (double)i)], 10).Length);
    }

    [Fact]
    public void A_curve_goes_from_corner_to_corner_within_its_scale()
    {
        var lines = Plot.Lines([0, 50, 100], [1, 0.5, 0], 20, 5).ToArray();

        Assert.Equal(7, lines.Length);
        Assert.Equal("         1 ┤", lines[0][..12]);
        Assert.Equal("         0 ┤", lines[4][..12]);
        Assert.NotEqual('\u2800', lines[0][12]);
        Assert.Equal(32, lines[4].Length);
        Assert.EndsWith("100", lines[6], StringComparison.Ordinal);
        Assert.Contains('0', lines[6]);
    }

    [Theory]
    [InlineData(new[] { double.NaN, double.PositiveInfinity })]
    [InlineData(new[] { 5.0, 5.0 })]
    [InlineData(new[] { double.MaxValue, double.MinValue })]
    [InlineData(new[] { 0.0, double.Epsilon })]
    public void Any_values_are_drawn(double[] values) => Assert.NotEmpty(Plot.Lines([0, long.MaxValue], values, 20, 5).ToArray());
}
