namespace Gristmill.Engines;

public sealed class RegressionMetricsTests
{
    [Fact]
    public void Hand_computed()
    {
        var m = RegressionMetrics.Compute([2.5f, 0, 2, 8], [3, -0.5f, 2, 7]);
        Assert.Equal(Math.Sqrt(0.375), m.Rmse, 12);
        Assert.Equal(0.5, m.Mae, 12);
        Assert.Equal(1 - (1.5 / 29.1875), m.R2!.Value, 12);
    }

    [Fact]
    public void Large_labels_do_not_cancel()
    {
        var m = RegressionMetrics.Compute([16_000_000, 16_000_002], [16_000_001, 16_000_003]);
        Assert.Equal(0, m.R2!.Value, 12);
    }

    [Fact]
    public void Equal_labels_have_no_r2_and_nan_is_refused()
    {
        Assert.False(RegressionMetrics.Compute([1, 2], [3, 3]).ToMetrics().ContainsKey("r2"));
        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => RegressionMetrics.Compute([float.NaN], [3])).Code);
        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => RegressionMetrics.Compute([], [])).Code);
    }
}
