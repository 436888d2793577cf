using System.Collections.Immutable;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

/// <summary>What a transform does to its column.</summary>
public enum TransformKind
{
    /// <summary>Passes a number through.</summary>
    Number = 0,
    /// <summary>Replaces null and NaN, then passes the number on. Options: Strategy mean, median or constant.</summary>
    Impute = 1,
    /// <summary>(x - mean) / standard deviation, after imputing the mean.</summary>
    Standardise = 2,
    /// <summary>One float a frequent value, 1 where it is that value.</summary>
    OneHot = 3,
    /// <summary>A category code: 0 for unseen or null, 1.. by falling frequency. What LightGBM's categories and torch's embeddings take.</summary>
    Category = 4,
    /// <summary>The label's mean for this value, smoothed towards the overall mean (Micci-Barreca 2001). Several columns make one key.</summary>
    TargetEncode = 5,
    /// <summary>A stable hash into Buckets codes, for values without bound.</summary>
    Hash = 6,
    /// <summary>A code by quantile boundaries.</summary>
    Bucketise = 7,
    /// <summary>Hour, weekday, month and the like of a timestamp, one float a part.</summary>
    DateParts = 8,
}

/// <summary>One transform of a plan.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Columns">The columns it reads: one, or several for target encoding of a combination.</param>
public sealed record TransformSpec(TransformKind Kind, ImmutableArray<string> Columns)
{
    /// <summary>Impute: "mean", "median" or "constant".</summary>
    public string? Strategy { get; init; }
    /// <summary>Impute: the constant.</summary>
    public double? Value { get; init; }
    /// <summary>Hash and Bucketise: number of buckets; OneHot and Category: at most this many values.</summary>
    public int? Buckets { get; init; }
    /// <summary>TargetEncode: weight of the overall mean, in rows.</summary>
    /// <value>null: 50.</value>
    public double? Smoothing { get; init; }
    /// <summary>DateParts: of "year", "month", "day", "weekday", "hour", "minute".</summary>
    public ImmutableArray<string>? Parts { get; init; }
}

/// <summary>A list of transforms, in the order of the features they write.</summary>
/// <param name="Transforms">The transforms.</param>
public sealed record FeaturePlan(ImmutableArray<TransformSpec> Transforms)
{
    /// <summary>
    /// The plan for columns nobody said anything about: numbers and booleans imputed (and standardised if asked), text
    /// as category codes, timestamps refused with a hint.
    /// </summary>
    /// <param name="schema">The training table's schema.</param>
    /// <param name="exclude">The label, and columns not to use.</param>
    /// <param name="categorical">Columns to take as categories whatever their type.</param>
    /// <param name="standardise">Whether numbers are standardised.</param>
    public static FeaturePlan Infer(Apache.Arrow.Schema schema, IReadOnlySet<string> exclude, IReadOnlySet<string> categorical, bool standardise)
    {
        foreach (var name in categorical)
        {
            if (InputColumn.IndexOf(schema, name) < 0)
            {
                throw new GristmillException(ErrorCodes.UnknownColumn,
                    $"The categorical column '{name}' is missing; there are {string.Join(", ", schema.FieldsList.Select(f => $"'{f.Name}'"))}.",
                    "Name columns of the training table.").With("column", name);
            }
        }

        var transforms = ImmutableArray.CreateBuilder<TransformSpec>();
        foreach (var field in schema.FieldsList)
        {
            if (exclude.Contains(field.Name))
            {
                continue;
            }

            var column = InputColumn.Of(field);
            var kind = categorical.Contains(field.Name) ? TransformKind.Category : column.Type switch
            {
                ColumnType.String => TransformKind.Category,
                ColumnType.Timestamp => throw new GristmillException(ErrorCodes.TypeMismatch,
                    $"Column '{field.Name}' is a timestamp: as it stands it would only tell training from later.",
                    "Exclude it, use DateParts, or take hour, weekday or month of it in SQL.").With("column", field.Name),
                _ => standardise ? TransformKind.Standardise : TransformKind.Impute,
            };
            transforms.Add(new TransformSpec(kind, [field.Name]) { Strategy = kind == TransformKind.Impute ? "mean" : null });
        }

        return transforms.Count > 0
            ? new FeaturePlan(transforms.ToImmutable())
            : throw new GristmillException(ErrorCodes.Invalid, "No column is left to learn from.", "Exclude fewer columns.");
    }
}
