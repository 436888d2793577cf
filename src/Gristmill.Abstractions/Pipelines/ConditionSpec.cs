using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>
/// A comparison, or several that are combined. A stage's metric is compared with a literal or a parameter:
/// <c>{"stage":"best","metric":"score","operator":"&gt;","value":0.66}</c>. Other things to compare go into <see cref="Left"/>:
/// <c>{"left":{"$param":"mode"},"operator":"==","value":"full"}</c>. What a skipped or failed stage would have said is
/// unknown, and so is what depends on it: a stage whose condition is unknown is skipped.
/// </summary>
/// <param name="Stage">The stage whose metrics are compared, or null.</param>
/// <param name="Metric">The metric's name, or null.</param>
/// <param name="Operator">One of <c>&gt; &gt;= &lt; &lt;= == !=</c>. Numbers are compared as numbers, true is 1 and false 0; texts by their characters, so that ISO dates are ordered.</param>
/// <param name="Value">A JSON literal, <c>{"$param":"name"}</c>, <c>{"$item":"loop"}</c> or <c>{"$value":{"stage":"s","output":"out"}}</c>.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ConditionSpec")]
public sealed record ConditionSpec(
    [property: Id(0)] string? Stage = null,
    [property: Id(1)] string? Metric = null,
    [property: Id(2)] string? Operator = null,
    [property: Id(3), JsonConverter(typeof(RawJsonConverter))] string? Value = null)
{
    /// <summary>What is compared in place of a metric: as <see cref="Value"/>.</summary>
    [Id(4), JsonConverter(typeof(RawJsonConverter))] public string? Left { get; init; }
    /// <summary>Holds if all of these hold; nothing else is set then.</summary>
    [Id(5)] public ImmutableArray<ConditionSpec>? All { get; init; }
    /// <summary>Holds if one of these holds; nothing else is set then.</summary>
    [Id(6)] public ImmutableArray<ConditionSpec>? Any { get; init; }
    /// <summary>Holds if this does not; nothing else is set then.</summary>
    [Id(7)] public ConditionSpec? Not { get; init; }
}
