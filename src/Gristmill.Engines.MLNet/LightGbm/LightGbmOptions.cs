using System.Globalization;

namespace Gristmill.Engines.MLNet;

/// <summary>Options of lightgbm.train; in brackets LightGBM's own name, where its documentation says more.</summary>
public sealed record LightGbmOptions : TabularOptions
{
    /// <summary>Boosting iterations (num_iterations), at least 1.</summary>
    /// <value>100</value>
    public int Iterations { get; init; } = 100;
    /// <summary>Leaves a tree (num_leaves), 2 to 131,072.</summary>
    /// <value>31</value>
    public int Leaves { get; init; } = 31;
    /// <summary>Shrinkage of each tree (learning_rate), above 0.</summary>
    /// <value>0.1</value>
    public double LearningRate { get; init; } = 0.1;
    /// <summary>Rows a leaf must hold (min_data_in_leaf), 0 or more.</summary>
    /// <value>20</value>
    public int MinDataInLeaf { get; init; } = 20;
    /// <summary>Share of the features each tree sees (feature_fraction), above 0 to 1.</summary>
    /// <value>1</value>
    public double FeatureFraction { get; init; } = 1;
    /// <summary>Share of the rows each tree sees (bagging_fraction, drawn anew each iteration), above 0 to 1.</summary>
    /// <value>1</value>
    public double BaggingFraction { get; init; } = 1;
    /// <summary>L1 regularisation (lambda_l1), 0 or more.</summary>
    public double LambdaL1 { get; init; }
    /// <summary>L2 regularisation (lambda_l2), 0 or more.</summary>
    public double LambdaL2 { get; init; }
    /// <summary>Most bins a feature's values go into (max_bin), 2 to 65,535.</summary>
    /// <value>255</value>
    public int MaxBin { get; init; } = 255;
    /// <summary>
    /// Ends when the loss on the validation rows has not fallen for so many iterations, and keeps the best iteration.
    /// Needs input "validation" or <see cref="ValidationFraction"/>.
    /// </summary>
    /// <value>null: runs all iterations.</value>
    public int? EarlyStopping { get; init; }
    /// <summary>Share of the training rows drawn at random for validation, above 0 and below 1, where there is no input "validation".</summary>
    public double? ValidationFraction { get; init; }

    /// <summary>
    /// Whether training rows that are equal in every feature and in the label become one with their number as its weight, where that
    /// halves the rows or better: every sum over rows stays what it was, for less work. Limits that LightGBM counts in rows are scaled. Not done
    /// where rows are drawn (<see cref="ValidationFraction"/>, <see cref="BaggingFraction"/> below 1).
    /// </summary>
    /// <value>true</value>
    public bool MergeEqualRows { get; init; } = true;

    internal bool MayMerge => MergeEqualRows && ValidationFraction is null && BaggingFraction >= 1;

    internal override IEnumerable<string> Validate()
    {
        foreach (var wrong in base.Validate())
        {
            yield return wrong;
        }

        if (Iterations < 1)
        {
            yield return $"iterations must be at least 1, is {Iterations}";
        }

        if (Leaves is < 2 or > 131_072)
        {
            yield return $"leaves must be 2 to 131072, is {Leaves}";
        }

        if (!(LearningRate > 0) || !double.IsFinite(LearningRate))
        {
            yield return Text($"learningRate must be above 0, is {LearningRate}");
        }

        if (MinDataInLeaf < 0)
        {
            yield return $"minDataInLeaf must be 0 or more, is {MinDataInLeaf}";
        }

        if (!(FeatureFraction > 0 && FeatureFraction <= 1))
        {
            yield return Text($"featureFraction must be above 0 and at most 1, is {FeatureFraction}");
        }

        if (!(BaggingFraction > 0 && BaggingFraction <= 1))
        {
            yield return Text($"baggingFraction must be above 0 and at most 1, is {BaggingFraction}");
        }

        if (!(LambdaL1 >= 0) || !(LambdaL2 >= 0))
        {
            yield return Text($"lambdaL1 and lambdaL2 must be 0 or more, are {LambdaL1} and {LambdaL2}");
        }

        if (MaxBin is < 2 or > 65_535)
        {
            yield return $"maxBin must be 2 to 65535, is {MaxBin}";
        }

        if (EarlyStopping < 1)
        {
            yield return $"earlyStopping must be at least 1, is {EarlyStopping}";
        }

        if (ValidationFraction is { } share && !(share > 0 && share < 1))
        {
            yield return Text($"validationFraction must be above 0 and below 1, is {share}");
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
