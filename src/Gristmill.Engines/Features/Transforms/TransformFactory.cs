using System.Collections.Immutable;

namespace Gristmill.Engines.Features;

/// <summary>Makes transforms from plans and from files.</summary>
internal static class TransformFactory
{
    /// <summary>Checks what can be checked without rows.</summary>
    public static void Check(TransformSpec spec)
    {
        if (spec.Columns.IsDefaultOrEmpty || spec.Columns.Any(string.IsNullOrEmpty))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"A transform {spec.Kind} names no column.", "Name the column it reads.");
        }

        if (spec.Columns.Length > 1 && spec.Kind != TransformKind.TargetEncode)
        {
            throw PlanErrors.Option(spec, "columns", "are more than one", "Only TargetEncode reads several columns: give each column a transform of its own.");
        }

        if (spec.Columns.Distinct(StringComparer.Ordinal).Count() != spec.Columns.Length)
        {
            throw PlanErrors.Option(spec, "columns", "repeat", "Name each column once.");
        }

        if (spec.Value is { } value && !double.IsFinite(value))
        {
            throw PlanErrors.Option(spec, "value", $"is {value}", "Give a finite number.");
        }
    }

    /// <summary>Checks that a transform can read its columns.</summary>
    public static void CheckType(TransformSpec spec, InputColumn column)
    {
        var fits = spec.Kind switch
        {
            TransformKind.Number or TransformKind.Impute or TransformKind.Standardise or TransformKind.Bucketise =>
                column.Type is ColumnType.Number or ColumnType.Boolean,
            TransformKind.DateParts => column.Type == ColumnType.Timestamp,
            _ => true,
        };
        if (!fits)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch,
                $"Column '{column.Name}' is a {column.Type.ToString().ToLowerInvariant()}, which {spec.Kind} does not read.",
                column.Type == ColumnType.Timestamp ? "Use DateParts." : "Use Category, OneHot, TargetEncode or Hash for text.").With("column", column.Name);
        }
    }

    public static Transform Fit(TransformSpec spec, ImmutableArray<int> inputs, FitTable table) => spec.Kind switch
    {
        TransformKind.Number or TransformKind.Impute or TransformKind.Standardise => NumberTransform.Fit(spec, inputs[0], table),
        TransformKind.OneHot => OneHotTransform.Fit(spec, inputs[0], table),
        TransformKind.Category => CategoryTransform.Fit(spec, inputs[0], table),
        TransformKind.TargetEncode => TargetTransform.Fit(spec, inputs, table),
        TransformKind.Hash => new HashTransform(spec, inputs[0], table.Inputs[inputs[0]]),
        TransformKind.Bucketise => BucketTransform.Fit(spec, inputs[0], table),
        TransformKind.DateParts => new DatePartsTransform(spec, inputs[0], table.Inputs[inputs[0]]),
        _ => throw new GristmillException(ErrorCodes.Invalid, $"There is no transform {spec.Kind}."),
    };

    public static Transform Load(FittedTransform fitted, ImmutableArray<int> inputs, ImmutableArray<InputColumn> all) => fitted.Kind switch
    {
        TransformKind.Number or TransformKind.Impute or TransformKind.Standardise => NumberTransform.Load(fitted, inputs[0], all[inputs[0]]),
        TransformKind.OneHot => OneHotTransform.Load(fitted, inputs[0], all[inputs[0]]),
        TransformKind.Category => CategoryTransform.Load(fitted, inputs[0], all[inputs[0]]),
        TransformKind.TargetEncode => TargetTransform.Load(fitted, inputs, [.. inputs.Select(i => all[i])]),
        TransformKind.Hash => new HashTransform(fitted.ToSpec(), inputs[0], all[inputs[0]]),
        TransformKind.Bucketise => BucketTransform.Load(fitted, inputs[0], all[inputs[0]]),
        TransformKind.DateParts => new DatePartsTransform(fitted.ToSpec(), inputs[0], all[inputs[0]]),
        _ => throw new FormatException($"unknown transform {fitted.Kind}"),
    };
}
