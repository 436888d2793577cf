using System.Globalization;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// Options of mlnet.fasttree. Without a plan of your own, text columns are target-encoded (one-hot for several classes):
/// these trees compare numbers and know no categories.
/// </summary>
public sealed record FastTreeOptions : TabularOptions
{
    /// <summary>Trees, at least 1.</summary>
    /// <value>100</value>
    public int Iterations { get; init; } = 100;
    /// <summary>Leaves a tree, at least 2.</summary>
    /// <value>31</value>
    public int Leaves { get; init; } = 31;
    /// <summary>Shrinkage of each tree, above 0.</summary>
    /// <value>0.1</value>
    public double LearningRate { get; init; } = 0.1;
    /// <summary>Rows a leaf must hold, at least 1.</summary>
    /// <value>20</value>
    public int MinDataInLeaf { get; init; } = 20;

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

        if (Leaves < 2)
        {
            yield return $"leaves must be at least 2, is {Leaves}";
        }

        if (!(LearningRate > 0) || !double.IsFinite(LearningRate))
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"learningRate must be above 0, is {LearningRate}");
        }

        if (MinDataInLeaf < 1)
        {
            yield return $"minDataInLeaf must be at least 1, is {MinDataInLeaf}";
        }
    }
}

/// <summary>
/// Options of mlnet.linear: logistic regression by L-BFGS for binary and multiclass labels, linear regression by SDCA.
/// Without a plan of your own, numbers are standardised and text columns one-hot.
/// </summary>
public sealed record LinearOptions : TabularOptions
{
    /// <summary>L1 regularisation, 0 or more.</summary>
    /// <value>0</value>
    public double LambdaL1 { get; init; }
    /// <summary>L2 regularisation, 0 or more; a regression takes at least 1 / rows: with less, SDCA diverges on few rows.</summary>
    /// <value>null: 1e-4 for classes, 1 / rows for a regression</value>
    public double? LambdaL2 { get; init; }
    /// <summary>Most passes over the rows, at least 1.</summary>
    /// <value>100</value>
    public int Iterations { get; init; } = 100;

    internal override IEnumerable<string> Validate()
    {
        foreach (var wrong in base.Validate())
        {
            yield return wrong;
        }

        if (!(LambdaL1 >= 0) || !(LambdaL2 is null or >= 0))
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"lambdaL1 and lambdaL2 must be 0 or more, are {LambdaL1} and {LambdaL2}");
        }

        if (Iterations < 1)
        {
            yield return $"iterations must be at least 1, is {Iterations}";
        }
    }
}
