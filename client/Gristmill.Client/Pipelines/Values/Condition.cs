using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>
/// What decides, in the run, whether a stage runs. Conditions combine: <c>best.Score &gt; 0.66 &amp; !mode.Is("dry")</c>. What a
/// skipped stage would have said is unknown, and a stage whose condition is unknown is skipped.
/// </summary>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "And, Or and Not are them.")]
public sealed class Condition
{
    private Condition(Func<ConditionSpec> write, ImmutableArray<StageNode> nodes)
    {
        Write = write;
        Nodes = nodes;
    }

    /// <summary>Writes it, once names are settled.</summary>
    internal Func<ConditionSpec> Write { get; }

    /// <summary>The stages it asks.</summary>
    internal ImmutableArray<StageNode> Nodes { get; }

    /// <summary>Holds if both hold.</summary>
    public static Condition operator &(Condition left, Condition right) => Combine(left, right, static (a, b) => new ConditionSpec { All = [.. Parts(a, a.All), .. Parts(b, b.All)] });

    /// <summary>Holds if one of them holds.</summary>
    public static Condition operator |(Condition left, Condition right) => Combine(left, right, static (a, b) => new ConditionSpec { Any = [.. Parts(a, a.Any), .. Parts(b, b.Any)] });

    /// <summary>Holds if the condition does not.</summary>
    public static Condition operator !(Condition condition)
    {
        Require(condition);
        return new Condition(() => condition.Write() is { Not: { } not } ? not : new ConditionSpec { Not = condition.Write() }, condition.Nodes);
    }

    /// <summary>Holds if this and the other hold.</summary>
    public Condition And(Condition other) => this & other;

    /// <summary>Holds if this or the other holds.</summary>
    public Condition Or(Condition other) => this | other;

    /// <summary>Holds if this does not.</summary>
    public Condition Not() => !this;

    internal static Condition Compare(IConditionSide left, string sign, IConditionSide right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        ImmutableArray<StageNode> nodes = [.. new[] { left.Node, right.Node }.OfType<StageNode>().Distinct()];
        return new Condition(
            () =>
            {
                var value = right.ToNode()?.ToJsonString() ?? "null";
                return left.Metric is { } metric
                    ? new ConditionSpec(left.Node!.Name, metric, sign, value)
                    : new ConditionSpec(Operator: sign, Value: value) { Left = left.ToNode()?.ToJsonString() };
            },
            nodes);
    }

    internal static Condition Of(Func<ConditionSpec> write, IEnumerable<StageNode> nodes) => new(write, [.. nodes]);

    private static Condition Combine(Condition left, Condition right, Func<ConditionSpec, ConditionSpec, ConditionSpec> write)
    {
        Require(left);
        Require(right);
        return new Condition(() => write(left.Write(), right.Write()), [.. left.Nodes.Concat(right.Nodes).Distinct()]);
    }

    private static IEnumerable<ConditionSpec> Parts(ConditionSpec condition, ImmutableArray<ConditionSpec>? same) => same ?? [condition];

    private static void Require(Condition? condition)
    {
        if (condition is null)
        {
            throw new GristmillException(ErrorCodes.Invalid, "A condition is null.", "Compare a parameter, a measured number or a value.");
        }
    }
}

/// <summary>One side of a comparison.</summary>
internal interface IConditionSide
{
    /// <summary>The stage that knows it, or null.</summary>
    StageNode? Node { get; }

    /// <summary>The metric of that stage, if it is one.</summary>
    string? Metric { get; }

    JsonNode? ToNode();
}
