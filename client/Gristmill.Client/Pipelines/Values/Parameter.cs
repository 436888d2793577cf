using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A parameter of a pipeline: its value is known when a run starts.</summary>
/// <typeparam name="T">string, bool, int, long, float, double, DateOnly, DateTime, DateTimeOffset, or an array of text, numbers or dates.</typeparam>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "A comparison has no other name.")]
public sealed class Parameter<T> : IPipelineValue, IConditionSide
{
    internal Parameter(PipelineBuilder owner, string name)
    {
        Owner = owner;
        Name = name;
    }

    internal PipelineBuilder Owner { get; }

    /// <summary>As in the URL or on the command line.</summary>
    public string Name { get; }

    StageNode? IConditionSide.Node => null;

    string? IConditionSide.Metric => null;

    /// <summary>Holds if it is greater.</summary>
    public static Condition operator >(Parameter<T> parameter, Value<T> value) => Condition.Compare(parameter, ">", value.ToSide());

    /// <summary>Holds if it is less.</summary>
    public static Condition operator <(Parameter<T> parameter, Value<T> value) => Condition.Compare(parameter, "<", value.ToSide());

    /// <summary>Holds if it is at least the value.</summary>
    public static Condition operator >=(Parameter<T> parameter, Value<T> value) => Condition.Compare(parameter, ">=", value.ToSide());

    /// <summary>Holds if it is at most the value.</summary>
    public static Condition operator <=(Parameter<T> parameter, Value<T> value) => Condition.Compare(parameter, "<=", value.ToSide());

    /// <summary>Holds if it is the value.</summary>
    public Condition Is(Value<T> value) => Condition.Compare(this, "==", value.ToSide());

    /// <summary>Holds unless it is the value.</summary>
    public Condition IsNot(Value<T> value) => Condition.Compare(this, "!=", value.ToSide());

    /// <summary>Sets the least and the greatest value that a run can give; for a list, of its elements. Null: no bound.</summary>
    public Parameter<T> Range(object? min = null, object? max = null) => Change(spec => spec with { Min = Json(min) ?? spec.Min, Max = Json(max) ?? spec.Max });

    /// <summary>Sets the only values that a run can give; for a list, of its elements.</summary>
    /// <param name="choices">An array of them.</param>
    public Parameter<T> OneOf(Array choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        return Change(spec => spec with { Choices = Json(choices) });
    }

    /// <summary>Says for people what it means.</summary>
    public Parameter<T> Describe(string description) => Change(spec => spec with { Description = description });

    /// <summary>It as a value.</summary>
    public Value<T> ToValue() => this;

    JsonNode IPipelineValue.ToNode() => new JsonObject { ["$param"] = Name };

    JsonNode? IConditionSide.ToNode() => new JsonObject { ["$param"] = Name };

    /// <inheritdoc/>
    public override string ToString() => $"${Name}";

    private static string? Json(object? value) => value is null ? null : JsonSerializer.Serialize(value, value.GetType(), GristmillJson.Options);

    private Parameter<T> Change(Func<ParameterSpec, ParameterSpec> change)
    {
        Owner.ChangeParameter(Name, change);
        return this;
    }
}

/// <summary>What can stand for a value in options.</summary>
internal interface IPipelineValue
{
    JsonNode? ToNode();
}
