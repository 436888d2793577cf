using CsCheck;

namespace Gristmill.Engines;

public sealed class BinaryMetricsTests
{
    [Fact]
    public void Hand_computed()
    {
        var m = BinaryMetrics.Compute([0.9f, 0.5f, 0.25f, 0.75f], [1, 1, 1, 0], bins: 2);
        Assert.Equal(4, m.Rows);
        Assert.Equal(3, m.Positives);
        Assert.Equal(-(Math.Log(0.9) + Math.Log(0.5) + Math.Log(0.25) + Math.Log(0.25)) / 4, m.LogLoss, 6);
        Assert.Equal(0.5, m.Accuracy);
        Assert.Equal(2.0 / 3, m.Precision, 12);
        Assert.Equal(2.0 / 3, m.Recall, 12);
        Assert.Equal(2.0 / 3, m.F1, 12);
        Assert.Equal((0.01 + 0.25 + 0.5625 + 0.5625) / 4, m.Brier, 6);
        Assert.Equal(1.0 / 3, m.Auc!.Value, 12);

        // Bin 0: one row, mean .25, rate 1. Bin 1: three rows, mean 2.15 / 3, rate 2 / 3.
        Assert.Equal((0.75 / 4) + (0.15 / 4), m.CalibrationError, 6);
        Assert.Equal([1, 3], m.Calibration.Select(b => b.Rows));
        Assert.Equal(1, m.Calibration[0].PositiveRate);
        Assert.Equal(2.15 / 3, m.Calibration[1].MeanScore!.Value, 6);
    }

    [Fact]
    public void Certain_mistakes_cost_much_but_not_infinity()
    {
        var m = BinaryMetrics.Compute([0, 1], [1, 1]);
        Assert.Equal(-Math.Log(1e-15) / 2, m.LogLoss, 6);
        Assert.Null(m.Auc);
        Assert.False(m.ToMetrics().ContainsKey("auc"));
        Assert.All(m.ToMetrics().Values, v => Assert.True(double.IsFinite(v)));
        Assert.Equal(0, BinaryMetrics.Compute([0.1f, 0.2f], [1, 0]).F1);
    }

    [Fact]
    public void Bad_values_are_refused()
    {
        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => BinaryMetrics.Compute([], [])).Code);
        Assert.Contains("NaN", Assert.Throws<GristmillException>(() => BinaryMetrics.Compute([float.NaN], [1])).Message, StringComparison.Ordinal);
        Assert.Contains("1.5", Assert.Throws<GristmillException>(() => BinaryMetrics.Compute([1.5f], [1])).Message, StringComparison.Ordinal);
        Assert.Contains("label 3", Assert.Throws<GristmillException>(() => BinaryMetrics.Compute([0.5f], [3])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equals_the_definitions_on_random_rows()
    {
        Gen.Select(Gen.Double[0, 1].Select(d => (float)d), Gen.Bool).Array[1, 200].Sample(rows =>
        {
            var p = rows.Select(r => r.Item1).ToArray();
            var y = rows.Select(r => r.Item2 ? 1f : 0f).ToArray();
            var m = BinaryMetrics.Compute(p, y);
            long Count(bool predicted, bool actual) => rows.Count(r => (r.Item1 >= 0.5f) == predicted && r.Item2 == actual);
            var (tp, fp, fn) = (Count(true, true), Count(true, false), Count(false, true));
            var precision = tp + fp == 0 ? 0 : (double)tp / (tp + fp);
            var recall = tp + fn == 0 ? 0 : (double)tp / (tp + fn);
            Assert.Equal(precision, m.Precision, 12);
            Assert.Equal(recall, m.Recall, 12);
            Assert.Equal(tp == 0 ? 0 : 2 * precision * recall / (precision + recall), m.F1, 12);
            Assert.Equal(rows.Count(r => (r.Item1 >= 0.5f) == r.Item2) / (double)rows.Length, m.Accuracy, 12);
            Assert.Equal(rows.Average(r => Math.Pow((double)r.Item1 - (r.Item2 ? 1 : 0), 2)), m.Brier, 12);
            var bins = rows.GroupBy(r => Math.Min((int)((double)r.Item1 * 15), 14));
            Assert.Equal(bins.Sum(b => b.Count() / (double)rows.Length * Math.Abs(b.Average(r => (double)r.Item1) - b.Average(r => r.Item2 ? 1.0 : 0))), m.CalibrationError, 9);
        }, iter: 200);
    }
}
