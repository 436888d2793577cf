using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A value that a stage takes: a literal, a parameter of the pipeline, an item of a loop, or what an earlier stage measures or returns.</summary>
/// <typeparam name="T">The literal's type.</typeparam>
public readonly struct Value<T>
{
    private readonly T? _literal;
    private readonly IPipelineValue? _placeholder;

    private Value(T? literal, IPipelineValue? placeholder, Scalar? scalar)
    {
        _literal = literal;
        _placeholder = placeholder;
        Scalar = scalar;
    }

    internal Scalar? Scalar { get; }

    /// <summary>The stage that has it, or null.</summary>
    internal StageNode? Node => Scalar?.Node ?? (_placeholder as StageValue)?.Node;

    /// <summary>A literal.</summary>
    public static implicit operator Value<T>(T literal) => new(literal, null, null);

    /// <summary>A parameter's value in the run.</summary>
    public static implicit operator Value<T>(Parameter<T> parameter) => new(default, parameter, null);

    /// <summary>A number an earlier stage measures in the run.</summary>
    public static implicit operator Value<T>(Scalar scalar) => new(default, null, scalar);

    /// <summary>What an earlier stage returns in the run.</summary>
    public static implicit operator Value<T>(StageValue value) => new(default, value, null);

    /// <summary>The item of a loop.</summary>
    public static implicit operator Value<T>(LoopItem<T> item) => new(default, item, null);

    internal JsonNode? ToNode() =>
        _placeholder is not null ? _placeholder.ToNode()
        : Scalar is not null ? new JsonObject { ["$value"] = new JsonObject { ["stage"] = Scalar.Node.Name, ["metric"] = Scalar.Metric } }
        : JsonSerializer.SerializeToNode(_literal, GristmillJson.Options);

    internal string ToJson() => ToNode()?.ToJsonString() ?? "null";

    internal IConditionSide ToSide() => new Side(this);

    private sealed class Side(Value<T> value) : IConditionSide
    {
        public StageNode? Node => value.Node;

        public string? Metric => null;

        public JsonNode? ToNode() => value.ToNode();
    }
}
