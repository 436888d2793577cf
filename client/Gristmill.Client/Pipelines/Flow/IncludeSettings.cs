using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>What an included pipeline is given.</summary>
public sealed class IncludeSettings
{
    internal IncludeSettings()
    {
    }

    internal Dictionary<string, (Func<JsonNode?> Write, StageNode? Source)> Parameters { get; } = new(StringComparer.Ordinal);

    internal Dictionary<OutputRef, StageHandle> Replacements { get; } = [];

    /// <summary>Sets a parameter of it to a literal.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is a handle.</exception>
    public IncludeSettings Set<T>(string parameter, T value) => value is StageHandle
        ? throw new GristmillException(ErrorCodes.Invalid, $"The parameter '{parameter}' is set to a handle of a stage.", "Pass its Value, or a metric of it.")
        : Set(parameter, (Value<T>)value);

    /// <summary>Sets a parameter of it to one of this pipeline.</summary>
    public IncludeSettings Set<T>(string parameter, Parameter<T> value) => Set(parameter, (Value<T>)value);

    /// <summary>Sets a parameter of it to the item of a loop.</summary>
    public IncludeSettings Set<T>(string parameter, LoopItem<T> value) => Set(parameter, (Value<T>)value);

    /// <summary>Sets a parameter of it to what a stage measures.</summary>
    public IncludeSettings Set(string parameter, Scalar value) => Set(parameter, (Value<double>)value);

    /// <summary>Sets a parameter of it to what a stage returns.</summary>
    public IncludeSettings Set(string parameter, StageValue value) => Set(parameter, (Value<object>)value);

    private IncludeSettings Set<T>(string parameter, Value<T> value)
    {
        Parameters[parameter] = (value.ToNode, value.Node);
        return this;
    }

    /// <summary>Takes a handle of this pipeline in place of what one of its stages makes; a stage that nothing uses any more is left out.</summary>
    /// <param name="stage">The stage's name in the included pipeline.</param>
    /// <param name="by">What takes its place.</param>
    /// <param name="output">The stage's output.</param>
    public IncludeSettings Replace(string stage, StageHandle by, string output = "out")
    {
        ArgumentNullException.ThrowIfNull(by);
        Replacements[new OutputRef(stage, output)] = by;
        return this;
    }
}
