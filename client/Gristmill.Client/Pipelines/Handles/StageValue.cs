using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A text, number, truth value, list or record that a stage of your own code returns.</summary>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "A comparison has no other name.")]
public class StageValue : StageHandle, IPipelineValue, IConditionSide
{
    internal StageValue(StageNode node, string output = "out", string? metric = null) : base(node, output) => Metric = metric;

    /// <summary>A number that is returned is a metric.</summary>
    internal string? Metric { get; }

    StageNode? IConditionSide.Node => Node;

    string? IConditionSide.Metric => Metric;

    /// <summary>Holds if it is greater.</summary>
    public static Condition operator >(StageValue left, Value<double> right) => Condition.Compare(left, ">", right.ToSide());

    /// <summary>Holds if it is less.</summary>
    public static Condition operator <(StageValue left, Value<double> right) => Condition.Compare(left, "<", right.ToSide());

    /// <summary>Holds if it is at least the value.</summary>
    public static Condition operator >=(StageValue left, Value<double> right) => Condition.Compare(left, ">=", right.ToSide());

    /// <summary>Holds if it is at most the value.</summary>
    public static Condition operator <=(StageValue left, Value<double> right) => Condition.Compare(left, "<=", right.ToSide());

    /// <summary>Holds if it is the text.</summary>
    public Condition Is(Value<string> value) => Condition.Compare(this, "==", value.ToSide());

    /// <summary>Holds if it is the number.</summary>
    public Condition Is(Value<double> value) => Condition.Compare(this, "==", value.ToSide());

    /// <summary>Holds if it is true, or false.</summary>
    public Condition Is(Value<bool> value) => Condition.Compare(this, "==", value.ToSide());

    /// <summary>Holds unless it is the text.</summary>
    public Condition IsNot(Value<string> value) => Condition.Compare(this, "!=", value.ToSide());

    /// <summary>Holds unless it is the number.</summary>
    public Condition IsNot(Value<double> value) => Condition.Compare(this, "!=", value.ToSide());

    JsonNode? IPipelineValue.ToNode() => Write();

    JsonNode? IConditionSide.ToNode() => Write();

    private JsonObject Write() => new()
    {
        ["$value"] = Metric is null
            ? new JsonObject { ["stage"] = Node.Name, ["output"] = Output }
            : new JsonObject { ["stage"] = Node.Name, ["metric"] = Metric },
    };
}

/// <summary>A list that a stage returns, to loop over.</summary>
/// <typeparam name="T">Its elements.</typeparam>
public sealed class ValueList<T> : StageValue
{
    internal ValueList(StageNode node, string output) : base(node, output) { }
}
