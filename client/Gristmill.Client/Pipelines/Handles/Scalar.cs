using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>A number that a stage will measure. Compare it to make a condition, or pass it to a later stage as a value.</summary>
public sealed class Scalar : IConditionSide
{
    internal Scalar(StageNode node, string metric, string output = "metrics")
    {
        Node = node;
        Metric = metric;
        Output = output;
    }

    internal StageNode Node { get; }

    /// <summary>The output that holds it.</summary>
    internal string Output { get; }

    /// <summary>The metric's name.</summary>
    public string Metric { get; }

    StageNode? IConditionSide.Node => Node;

    /// <summary>Holds if the number is greater than the value.</summary>
    public static Condition operator >(Scalar scalar, Value<double> value) => Condition.Compare(scalar, ">", value.ToSide());

    /// <summary>Holds if the number is less than the value.</summary>
    public static Condition operator <(Scalar scalar, Value<double> value) => Condition.Compare(scalar, "<", value.ToSide());

    /// <summary>Holds if the number is at least the value.</summary>
    public static Condition operator >=(Scalar scalar, Value<double> value) => Condition.Compare(scalar, ">=", value.ToSide());

    /// <summary>Holds if the number is at most the value.</summary>
    public static Condition operator <=(Scalar scalar, Value<double> value) => Condition.Compare(scalar, "<=", value.ToSide());

    /// <summary>Holds if the number is exactly the value.</summary>
    public Condition Is(Value<double> value) => Condition.Compare(this, "==", value.ToSide());

    /// <summary>Holds unless the number is exactly the value.</summary>
    public Condition IsNot(Value<double> value) => Condition.Compare(this, "!=", value.ToSide());

    JsonNode? IConditionSide.ToNode() => ((Value<double>)this).ToNode();
}
