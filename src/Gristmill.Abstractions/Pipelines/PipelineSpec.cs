using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>
/// A pipeline: an immutable graph of stages. JSON is its wire form, C# its usual source. The digest of the JSON names
/// the version.
/// </summary>
[GenerateSerializer, Immutable, Alias("gristmill.PipelineSpec")]
public sealed record PipelineSpec
{
    /// <summary>Name: letters, digits, '-', '_' and '.', at most 64 characters, starting with a letter or digit.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>Parameters a run may set.</summary>
    [Id(1)] public ImmutableArray<ParameterSpec> Parameters { get; init; } = [];
    /// <summary>Stages in the order of their definition; inputs refer only to earlier ones.</summary>
    [Id(2)] public ImmutableArray<StageSpec> Stages { get; init; } = [];
    /// <summary>The user's assemblies, if any stage calls them.</summary>
    [Id(3)] public CodeRef? Code { get; init; }
    /// <summary>A sentence for people, or null.</summary>
    [Id(4)] public string? Description { get; init; }
    /// <summary>Triggers that come and go with the pipeline, or null.</summary>
    [Id(8)] public ImmutableArray<TriggerSpec>? Triggers { get; init; }
    /// <summary>How it is partitioned, or null.</summary>
    [Id(10)] public PartitionSpec? Partitions { get; init; }
}

/// <summary>The types a parameter can have.</summary>
public enum ParameterType
{
    /// <summary>Text.</summary>
    String = 0,
    /// <summary>A 64-bit integer.</summary>
    Integer = 1,
    /// <summary>A 64-bit float.</summary>
    Number = 2,
    /// <summary>True or false.</summary>
    Boolean = 3,
    /// <summary>A date, yyyy-MM-dd.</summary>
    Date = 4,
    /// <summary>An instant, ISO 8601 with offset.</summary>
    Timestamp = 5,
}

/// <summary>A parameter with its type and default.</summary>
/// <param name="Name">As in the URL or on the command line, such as "train-until".</param>
/// <param name="Type">Its type.</param>
/// <param name="Default">Default as a JSON literal, or null where a run must give it.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ParameterSpec")]
public sealed record ParameterSpec(
    [property: Id(0)] string Name,
    [property: Id(1)] ParameterType Type,
    [property: Id(2), JsonConverter(typeof(RawJsonConverter))] string? Default = null);

/// <summary>One stage.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageSpec")]
public sealed record StageSpec
{
    /// <summary>Unique in the pipeline; same alphabet as a pipeline's name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>One of <see cref="StageOperations"/>.</summary>
    [Id(1)] public required string Operation { get; init; }
    /// <summary>
    /// Options: a JSON object. Inside it, <c>{"$param":"name"}</c> stands for a parameter's value and
    /// <c>{"$value":{"stage":"best","metric":"score"}}</c> for a metric of an earlier stage.
    /// </summary>
    [Id(2), JsonConverter(typeof(RawJsonConverter))] public string Options { get; init; } = "{}";
    /// <summary>Inputs by name.</summary>
    [Id(3)] public ImmutableDictionary<string, OutputRef> Inputs { get; init; } = ImmutableDictionary<string, OutputRef>.Empty;
    /// <summary>Stages that must have finished first, though no data comes from them.</summary>
    [Id(4)] public ImmutableArray<string> After { get; init; } = [];
    /// <summary>Runs only if this holds; a stage that does not run is skipped, and so are those that need it.</summary>
    [Id(5)] public ConditionSpec? When { get; init; }
    /// <summary>How failures are retried.</summary>
    [Id(6)] public RetryPolicy Retry { get; init; } = new();
    /// <summary>Limits of one attempt.</summary>
    [Id(7)] public StageLimits Limits { get; init; } = new();
    /// <summary>Whether an earlier result may be taken over in place of an execution.</summary>
    /// <value>null: <see cref="CachePolicy.Auto"/>, of any age.</value>
    [Id(8)] public CacheSpec? Cache { get; init; }
}

/// <summary>An output of an earlier stage.</summary>
/// <param name="Stage">The stage's name.</param>
/// <param name="Output">The output's name.</param>
[GenerateSerializer, Immutable, Alias("gristmill.OutputRef")]
public sealed record OutputRef([property: Id(0)] string Stage, [property: Id(1)] string Output = "out");

/// <summary>A comparison of a stage's metric with a literal or parameter.</summary>
/// <param name="Stage">The stage whose metrics are compared.</param>
/// <param name="Metric">The metric's name.</param>
/// <param name="Operator">One of <c>&gt; &gt;= &lt; &lt;= == !=</c>.</param>
/// <param name="Value">A JSON literal or <c>{"$param":"name"}</c>.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ConditionSpec")]
public sealed record ConditionSpec(
    [property: Id(0)] string Stage,
    [property: Id(1)] string Metric,
    [property: Id(2)] string Operator,
    [property: Id(3), JsonConverter(typeof(RawJsonConverter))] string Value);

/// <summary>How a failed attempt is retried. A crash of the worker or silo is always retried, at most <see cref="MaxAttempts"/> attempts in all.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RetryPolicy")]
public sealed record RetryPolicy
{
    /// <summary>Attempts in all.</summary>
    /// <value>3</value>
    [Id(0)] public int MaxAttempts { get; init; } = 3;
    /// <summary>Wait before the second attempt; doubles each time.</summary>
    /// <value>200 ms</value>
    [Id(1)] public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(200);
    /// <summary>Whether an error of the stage's own code is retried too; by default only crashes and lost workers are.</summary>
    [Id(2)] public bool RetryErrors { get; init; }
}
