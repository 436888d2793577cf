namespace Gristmill;

/// <summary>A number that a stage will measure. Compare it to make a condition, or pass it to a later stage as a value.</summary>
public sealed class Scalar
{
    internal Scalar(StageNode node, string metric)
    {
        Node = node;
        Metric = metric;
    }

    internal StageNode Node { get; }

    /// <summary>The metric's name.</summary>
    public string Metric { get; }

    /// <summary>Holds if the number is greater than the value.</summary>
    public static Condition operator >(Scalar scalar, Value<double> value) => new(scalar, ">", value);

    /// <summary>Holds if the number is less than the value.</summary>
    public static Condition operator <(Scalar scalar, Value<double> value) => new(scalar, "<", value);

    /// <summary>Holds if the number is at least the value.</summary>
    public static Condition operator >=(Scalar scalar, Value<double> value) => new(scalar, ">=", value);

    /// <summary>Holds if the number is at most the value.</summary>
    public static Condition operator <=(Scalar scalar, Value<double> value) => new(scalar, "<=", value);

    /// <summary>Holds if the number is exactly the value.</summary>
    public Condition Is(Value<double> value) => new(this, "==", value);

    /// <summary>Holds unless the number is exactly the value.</summary>
    public Condition IsNot(Value<double> value) => new(this, "!=", value);
}

/// <summary>A comparison that decides, in the run, whether a stage runs.</summary>
public sealed class Condition
{
    internal Condition(Scalar scalar, string @operator, Value<double> value)
    {
        ArgumentNullException.ThrowIfNull(scalar);
        if (value.Scalar is not null)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"The condition on '{scalar.Metric}' compares two measured numbers.", "Compare with a literal or a parameter.");
        }

        Scalar = scalar;
        Operator = @operator;
        Value = value;
    }

    internal Scalar Scalar { get; }
    internal string Operator { get; }
    internal Value<double> Value { get; }
}
