using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A value that a stage takes: a literal, a parameter of the pipeline, or a number an earlier stage measures.</summary>
/// <typeparam name="T">The literal's type.</typeparam>
public readonly struct Value<T>
{
    private readonly T? _literal;
    private readonly IPipelineValue? _parameter;

    private Value(T? literal, IPipelineValue? parameter, Scalar? scalar)
    {
        _literal = literal;
        _parameter = parameter;
        Scalar = scalar;
    }

    internal Scalar? Scalar { get; }

    /// <summary>A literal.</summary>
    public static implicit operator Value<T>(T literal) => new(literal, null, null);

    /// <summary>A parameter's value in the run.</summary>
    public static implicit operator Value<T>(Parameter<T> parameter) => new(default, parameter, null);

    /// <summary>A number an earlier stage measures in the run.</summary>
    public static implicit operator Value<T>(Scalar scalar) => new(default, null, scalar);

    internal JsonNode? ToNode() =>
        _parameter is not null ? _parameter.ToNode()
        : Scalar is not null ? new JsonObject { ["$value"] = new JsonObject { ["stage"] = Scalar.Node.Name, ["metric"] = Scalar.Metric } }
        : JsonSerializer.SerializeToNode(_literal, GristmillJson.Options);

    internal string ToJson() => ToNode()?.ToJsonString() ?? "null";
}
