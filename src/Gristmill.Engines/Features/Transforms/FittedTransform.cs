using System.Collections.Immutable;

namespace Gristmill.Engines.Features;

/// <summary>features.json.</summary>
internal sealed record FittedFile
{
    /// <summary>The newest format this version reads, and the one it writes.</summary>
    public const int Newest = 1;

    public required int Format { get; init; }
    public required ImmutableArray<FittedInput> Inputs { get; init; }
    public required ImmutableArray<FittedTransform> Transforms { get; init; }
    public FittedLabel? Label { get; init; }
}

/// <summary>A raw column in features.json.</summary>
internal sealed record FittedInput(string Name, ColumnType Type)
{
    public NumberPrecision Precision { get; init; }
}

/// <summary>A label in features.json.</summary>
internal sealed record FittedLabel(string Name, ColumnType Type, ImmutableArray<string> Classes);

/// <summary>A fitted transform in features.json: what was asked for, and what was found.</summary>
internal sealed record FittedTransform(TransformKind Kind, ImmutableArray<string> Columns)
{
    public string? Strategy { get; init; }
    public double? Value { get; init; }
    public int? Buckets { get; init; }
    public double? Smoothing { get; init; }
    public ImmutableArray<string>? Parts { get; init; }

    /// <summary>Number kinds: what stands in for null.</summary>
    public double? Fill { get; init; }
    /// <summary>Standardise: the mean.</summary>
    public double? Center { get; init; }
    /// <summary>Standardise: the standard deviation.</summary>
    public double? Scale { get; init; }
    /// <summary>Category, OneHot: values in the order of their codes; TargetEncode: one list a column.</summary>
    public ImmutableArray<ImmutableArray<string>>? Values { get; init; }
    /// <summary>TargetEncode of several columns: the codes of each known key, one after the other.</summary>
    public ImmutableArray<int>? Keys { get; init; }
    /// <summary>TargetEncode: the encoding of each known key.</summary>
    public ImmutableArray<double>? Encodings { get; init; }
    /// <summary>TargetEncode: the overall mean, for unseen and null.</summary>
    public double? Prior { get; init; }
    /// <summary>Bucketise: lower bounds of codes 2, 3, ...</summary>
    public ImmutableArray<double>? Bounds { get; init; }

    public static FittedTransform Of(TransformSpec spec) => new(spec.Kind, spec.Columns)
    {
        Strategy = spec.Strategy,
        Value = spec.Value,
        Buckets = spec.Buckets,
        Smoothing = spec.Smoothing,
        Parts = spec.Parts,
    };

    public TransformSpec ToSpec() => new(Kind, Columns)
    {
        Strategy = Strategy,
        Value = Value,
        Buckets = Buckets,
        Smoothing = Smoothing,
        Parts = Parts,
    };
}
