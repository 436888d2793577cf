namespace Gristmill.Engines.Features;

/// <summary>Statistics of a number column over the training rows; null and NaN do not count.</summary>
internal static class NumberStatistics
{
    /// <summary>Mean and population standard deviation, in two passes: sum / n, then the root of the mean squared distance from it.</summary>
    public static (double Mean, double Deviation) MeanAndDeviation(FitTable table, int input)
    {
        double sum = 0;
        long count = 0;
        table.ForEachNumbers(input, (_, values) =>
        {
            // Sums a block at a time, so that rounding errors grow with the number of blocks, not of rows.
            double block = 0;
            foreach (var value in values)
            {
                if (!double.IsNaN(value))
                {
                    block += value;
                    count++;
                }
            }

            sum += block;
        });

        var mean = Check(table, input, count, sum / count);
        double squares = 0;
        table.ForEachNumbers(input, (_, values) =>
        {
            double block = 0;
            foreach (var value in values)
            {
                if (!double.IsNaN(value))
                {
                    block += (value - mean) * (value - mean);
                }
            }

            squares += block;
        });
        return (mean, Check(table, input, count, Math.Sqrt(squares / count)));
    }

    /// <summary>The middle value, or the mean of the two middle values.</summary>
    public static double Median(FitTable table, int input)
    {
        var sorted = Sorted(table, input);
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] / 2) + (sorted[middle] / 2);
    }

    /// <summary>All values in ascending order.</summary>
    public static double[] Sorted(FitTable table, int input)
    {
        var all = new List<double>();
        table.ForEachNumbers(input, (_, values) =>
        {
            foreach (var value in values)
            {
                if (!double.IsNaN(value))
                {
                    all.Add(value);
                }
            }
        });
        Check(table, input, all.Count, 0);
        var sorted = all.ToArray();
        Array.Sort(sorted);
        return sorted;
    }

    private static double Check(FitTable table, int input, long count, double value)
    {
        var name = table.Inputs[input].Name;
        return count == 0
            ? throw new GristmillException(ErrorCodes.BadValue, $"Column '{name}' has no value in the training rows: nothing to fit.",
                "Exclude the column, or impute a constant.").With("column", name)
            : double.IsFinite(value)
                ? value
                : throw new GristmillException(ErrorCodes.BadValue, $"Column '{name}' holds infinite or too large values: its mean or deviation is not finite.",
                    "Clip the column in SQL, or filter such rows out.").With("column", name);
    }
}
