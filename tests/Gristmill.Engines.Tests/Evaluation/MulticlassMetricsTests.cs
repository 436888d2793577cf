namespace Gristmill.Engines;

public sealed class MulticlassMetricsTests
{
    [Fact]
    public void Hand_computed()
    {
        // Predictions 0, 0, 1, 2 for labels 0, 1, 1, 0; class 3 is never seen.
        var m = MulticlassMetrics.Compute(
            [0.7f, 0.1f, 0.1f, 0.1f, 0.4f, 0.4f, 0.1f, 0.1f, 0.25f, 0.5f, 0.25f, 0, 0.125f, 0.125f, 0.75f, 0], [0, 1, 1, 0], 4);
        Assert.Equal(0.5, m.Accuracy);
        Assert.Equal(-(Math.Log(0.7) + Math.Log(0.4) + Math.Log(0.5) + Math.Log(0.125)) / 4, m.LogLoss, 6);

        // F1: class 0: 2 * 1 / (2 + 2); class 1: 2 * 1 / (2 + 1); class 2: 0.
        Assert.Equal((0.5 + (2.0 / 3) + 0) / 3, m.MacroF1, 12);
    }

    [Fact]
    public void Bad_values_are_refused()
    {
        Assert.Contains("none of the 2 classes", Assert.Throws<GristmillException>(() => MulticlassMetrics.Compute([0.5f, 0.5f], [2], 2)).Message, StringComparison.Ordinal);
        Assert.Contains("NaN", Assert.Throws<GristmillException>(() => MulticlassMetrics.Compute([0.5f, float.NaN], [1], 2)).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => MulticlassMetrics.Compute([], [], 2)).Code);
    }
}
