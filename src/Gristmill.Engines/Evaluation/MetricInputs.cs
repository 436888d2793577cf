namespace Gristmill.Engines;

/// <summary>Checks that all metrics share.</summary>
internal static class MetricInputs
{
    public static bool IsPositive(ReadOnlySpan<float> labels, int row) => labels[row] switch
    {
        0 => false,
        1 => true,
        var other => throw Bad(row, $"the label {other} is neither 0 nor 1"),
    };

    public static void Rows(int scores, int labels)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels, scores);
        if (labels == 0)
        {
            throw new GristmillException(ErrorCodes.BadValue, "There are no rows to measure the model on.", "Look at the filter that made the table.");
        }
    }

    public static GristmillException Bad(long row, string what) =>
        new GristmillException(ErrorCodes.BadValue, $"Row {row}: {what}.").With("row", row.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
