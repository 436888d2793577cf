using System.Collections.Immutable;

namespace Gristmill.Engines;

/// <summary>The types a model's input or output column can have.</summary>
public enum ColumnType
{
    /// <summary>Any number; null allowed if the transforms impute.</summary>
    Number = 0,
    /// <summary>Text.</summary>
    String = 1,
    /// <summary>True or false.</summary>
    Boolean = 2,
    /// <summary>An instant.</summary>
    Timestamp = 3,
    /// <summary>A tensor of 32-bit floats.</summary>
    Tensor = 4,
}

/// <summary>One input or output column.</summary>
/// <param name="Name">Column name.</param>
/// <param name="Type">Column type.</param>
public sealed record ColumnSignature(string Name, ColumnType Type)
{
    /// <summary>Whether null is accepted.</summary>
    public bool Nullable { get; init; }
    /// <summary>Shape of a tensor column, -1 where free; null for scalars.</summary>
    public ImmutableArray<long>? Shape { get; init; }
}

/// <summary>
/// manifest.json of a model package: what it takes, what it gives, how its features are made, where it came from. The
/// package's other files are the model in its engine's open format.
/// </summary>
public sealed record ModelManifest
{
    /// <summary>Version of this format.</summary>
    public int Format { get; init; } = 1;
    /// <summary>The engine that loads it: "lightgbm", "torch", "mlnet", "onnx", "transforms".</summary>
    public required string Engine { get; init; }
    /// <summary>What it predicts.</summary>
    public required ModelTask Task { get; init; }
    /// <summary>Columns a prediction request gives.</summary>
    public required ImmutableArray<ColumnSignature> Inputs { get; init; }
    /// <summary>Columns a prediction returns.</summary>
    public required ImmutableArray<ColumnSignature> Outputs { get; init; }
    /// <summary>Label column in training, or null.</summary>
    public string? Label { get; init; }
    /// <summary>File of the fitted feature encoder in the package ("features.json"), or null where the model takes its columns as they are.</summary>
    public string? Features { get; init; }
    /// <summary>Class names of a multiclass model.</summary>
    public ImmutableArray<string> Classes { get; init; } = [];
    /// <summary>Engine-specific settings, such as layer sizes.</summary>
    public ImmutableDictionary<string, string> Settings { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>Metrics it was trained with.</summary>
    public ImmutableDictionary<string, double> Metrics { get; init; } = ImmutableDictionary<string, double>.Empty;
    /// <summary>Seeds, library versions, host: what it takes to make it again.</summary>
    public ImmutableDictionary<string, string> Provenance { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>Files of the package with their SHA-256.</summary>
    public ImmutableDictionary<string, string> Files { get; init; } = ImmutableDictionary<string, string>.Empty;
}
