using System.Collections.Immutable;

namespace Gristmill.Engines.Onnx;

/// <summary>Options of onnx.import.</summary>
public sealed record OnnxImportOptions
{
    /// <summary>The ONNX file. Relative paths start at the pipeline's base folder.</summary>
    public required string Path { get; init; }
    /// <summary>
    /// For a model with a single [rows, k] input of floats: the k number columns it is fed from, in this order.
    /// </summary>
    /// <value>Empty: each input of the model is a column of its name.</value>
    public ImmutableArray<string> Columns { get; init; } = [];
    /// <summary>What it predicts; with it, evaluation stages can measure the model.</summary>
    /// <value>null: its outputs are handed out as they are, each a column.</value>
    public ModelTask? Task { get; init; }
    /// <summary>The output that holds the probability, the value or the classes' probabilities.</summary>
    /// <value>null: the first output of floats.</value>
    public string? Score { get; init; }
    /// <summary>Class names of a multiclass model, in the order of its probabilities; of a binary one, no and yes.</summary>
    public ImmutableArray<string> Classes { get; init; } = [];
    /// <summary>Label column, for evaluation.</summary>
    public string? Label { get; init; }
}
