using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// A feature plan: what becomes of which column. It is fitted on training rows alone and kept with the model, so serving
/// applies the very same code. Immutable: each method returns a longer plan.
/// </summary>
public sealed class Features
{
    private readonly ImmutableArray<Func<JsonObject>> _transforms;

    private Features(ImmutableArray<Func<JsonObject>> transforms) => _transforms = transforms;

    /// <summary>The empty plan.</summary>
    public static Features None { get; } = new([]);

    /// <summary>Passes numbers and booleans through.</summary>
    public Features Number(params string[] columns) => Each("number", columns);

    /// <summary>Replaces null and NaN by the mean of the training rows, then passes numbers on.</summary>
    public Features ImputeMean(params string[] columns) => Each("impute", columns, t => t["strategy"] = "mean");

    /// <summary>Replaces null and NaN by the median of the training rows, then passes numbers on.</summary>
    public Features ImputeMedian(params string[] columns) => Each("impute", columns, t => t["strategy"] = "median");

    /// <summary>Replaces null and NaN by a constant, then passes numbers on.</summary>
    public Features ImputeConstant(double value, params string[] columns) =>
        Each("impute", columns, t =>
        {
            t["strategy"] = "constant";
            t["value"] = value;
        });

    /// <summary>(x - mean) / standard deviation of the training rows.</summary>
    public Features Standardise(params string[] columns) => Each("standardise", columns);

    /// <summary>One feature for each frequent value, 1 where the column has it.</summary>
    public Features OneHot(params string[] columns) => Each("oneHot", columns);

    /// <summary>A category code: what LightGBM's categories and torch's embeddings take.</summary>
    public Features Category(params string[] columns) => Each("category", columns);

    /// <summary>
    /// The label's mean for each value, or for each combination of several columns, over the training rows, drawn towards
    /// the overall mean where rows are few.
    /// </summary>
    public Features TargetEncode(params string[] columns) => Add("targetEncode", columns);

    /// <summary>As <see cref="TargetEncode(string[])"/>, with the weight of the overall mean in rows.</summary>
    public Features TargetEncode(double smoothing, params string[] columns) => Add("targetEncode", columns, t => t["smoothing"] = smoothing);

    /// <summary>A stable hash into so many codes, for values without bound.</summary>
    public Features Hash(int buckets, params string[] columns) => Each("hash", columns, t => t["buckets"] = buckets);

    /// <summary>A code by quantiles of the training rows.</summary>
    public Features Bucketise(int buckets, params string[] columns) => Each("bucketise", columns, t => t["buckets"] = buckets);

    /// <summary>Parts of a timestamp, one feature a part.</summary>
    public Features DateParts(string column, params DatePart[] parts) =>
        Add("dateParts", [column], t => t.Set("parts", [.. parts.Select(p => p.ToString().ToLowerInvariant())]));

    internal JsonObject ToNode() => new() { ["transforms"] = new JsonArray([.. _transforms.Select(t => (JsonNode)t())]) };

    private Features Each(string kind, string[] columns, Action<JsonObject>? more = null)
    {
        Require(kind, columns);
        return columns.Aggregate(this, (plan, column) => plan.Add(kind, [column], more));
    }

    private Features Add(string kind, string[] columns, Action<JsonObject>? more = null)
    {
        Require(kind, columns);
        return new Features(_transforms.Add(() =>
        {
            var transform = new JsonObject { ["kind"] = kind }.Set("columns", columns);
            more?.Invoke(transform);
            return transform;
        }));
    }

    private static void Require(string kind, string[] columns)
    {
        if (columns is not { Length: > 0 } || columns.Any(string.IsNullOrEmpty))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"A {kind} feature names no column.", "Name at least one.");
        }
    }
}
