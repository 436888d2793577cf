using Gristmill.Display;

namespace Gristmill.Cli.Display;

public sealed class TextsTests
{
    [Theory]
    [InlineData(12, "12 ms")]
    [InlineData(1500, "1.5 s")]
    [InlineData(61_000, "1 min 01 s")]
    [InlineData(7_260_000, "2 h 01 min")]
    public void Durations(int milliseconds, string text) => Assert.Equal(text, Texts.Duration(TimeSpan.FromMilliseconds(milliseconds)));

    [Theory]
    [InlineData(100L, "100 B")]
    [InlineData(1536L, "1.5 KiB")]
    [InlineData(3L << 30, "3 GiB")]
    [InlineData(157_286_400L, "150 MiB")]
    public void Sizes(long bytes, string text) => Assert.Equal(text, Texts.Bytes(bytes));

    [Fact]
    public void Metrics_of_all_rows_come_before_those_of_groups() =>
        Assert.Equal("auc 0.68  logLoss 0.5", Texts.Numbers(new Dictionary<string, double> { ["2001-04/auc"] = 0.7, ["logLoss"] = 0.5, ["auc"] = 0.68 }, 2));
}
