namespace Gristmill.Cli.Commands;

public sealed class TriggerAddCommandTests
{
    [Theory]
    [InlineData("30s", 30)]
    [InlineData("1.5m", 90)]
    [InlineData("6h", 21_600)]
    [InlineData("1d", 86_400)]
    [InlineData("00:15:00", 900)]
    public void Times_are_read(string text, int seconds) => Assert.Equal(seconds, TriggerAddCommand.Duration(text).TotalSeconds);

    [Theory]
    [InlineData("5")]
    [InlineData("-5m")]
    [InlineData("5 weeks")]
    [InlineData("")]
    public void What_is_no_time_is_refused(string text) =>
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TriggerAddCommand.Duration(text)).Code);

    [Theory]
    [InlineData("flights/best/auc < 0.6", "auc", "<", 0.6)]
    [InlineData("flights/best/trees/2001-04/auc>=1e-3", "trees/2001-04/auc", ">=", 0.001)]
    public void A_comparison_is_read(string text, string metric, string @operator, double value) =>
        Assert.Equal(new MetricThreshold("flights", "best", metric, @operator, value), TriggerAddCommand.Metric(text));

    [Theory]
    [InlineData("flights/best < 1")]
    [InlineData("flights/best/auc = 1")]
    [InlineData("flights/best/auc < much")]
    public void What_is_no_comparison_is_refused(string text) =>
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TriggerAddCommand.Metric(text)).Code);
}
