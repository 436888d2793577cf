namespace Gristmill.Engines.MLNet;

/// <summary>What LightGBM takes for missing when it meets a split.</summary>
internal enum LightGbmMissing
{
    /// <summary>Nothing: NaN counts as 0.</summary>
    None = 0,
    /// <summary>Zero, and NaN as zero.</summary>
    Zero = 1,
    /// <summary>NaN.</summary>
    NaN = 2,
}

/// <summary>A node that splits. Children from 0 are nodes, others are leaves: ~child.</summary>
/// <param name="Feature">Index of the feature.</param>
/// <param name="Threshold">Of a number: left if at or below.</param>
/// <param name="Members">Of a category: left if among these, which are not negative; null of a number.</param>
/// <param name="Missing">What is missing; a category never is.</param>
/// <param name="DefaultLeft">Where what is missing goes.</param>
/// <param name="Left">The left child.</param>
/// <param name="Right">The right child.</param>
internal readonly record struct LightGbmSplit(
    int Feature, double Threshold, int[]? Members, LightGbmMissing Missing, bool DefaultLeft, int Left, int Right);

/// <summary>A tree.</summary>
/// <param name="Splits">Its nodes, the root first and parents before children; none of a tree that is one leaf.</param>
/// <param name="Leaves">The leaves' values.</param>
internal sealed record LightGbmTree(LightGbmSplit[] Splits, double[] Leaves);
