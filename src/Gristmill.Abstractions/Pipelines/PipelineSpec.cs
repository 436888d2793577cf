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
    /// <summary>What a failed stage means for the others.</summary>
    /// <value><see cref="FailurePolicy.FailFast"/></value>
    [Id(5), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public FailurePolicy OnFailure { get; init; }
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
    /// <summary>A list of texts.</summary>
    StringList = 6,
    /// <summary>A list of 64-bit integers.</summary>
    IntegerList = 7,
    /// <summary>A list of 64-bit floats.</summary>
    NumberList = 8,
    /// <summary>A list of dates.</summary>
    DateList = 9,
}

/// <summary>A parameter with its type and default.</summary>
/// <param name="Name">As in the URL or on the command line, such as "train-until".</param>
/// <param name="Type">Its type.</param>
/// <param name="Default">Default as a JSON literal, or null where a run must give it.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ParameterSpec")]
public sealed record ParameterSpec(
    [property: Id(0)] string Name,
    [property: Id(1)] ParameterType Type,
    [property: Id(2), JsonConverter(typeof(RawJsonConverter))] string? Default = null)
{
    /// <summary>Least value as a JSON literal, for numbers, dates and timestamps, and for the elements of lists of them; null: none.</summary>
    [Id(3), JsonConverter(typeof(RawJsonConverter))] public string? Min { get; init; }
    /// <summary>Greatest value as a JSON literal; null: none.</summary>
    [Id(4), JsonConverter(typeof(RawJsonConverter))] public string? Max { get; init; }
    /// <summary>The only values it can have, a JSON array as text; null: any.</summary>
    [Id(5), JsonConverter(typeof(RawJsonConverter))] public string? Choices { get; init; }
    /// <summary>A sentence for people, or null.</summary>
    [Id(6)] public string? Description { get; init; }
}

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
    /// <summary>The stage of operation <see cref="StageOperations.ForEach"/> whose body it belongs to: it runs once for each item.</summary>
    /// <value>null: it runs once.</value>
    [Id(9)] public string? Loop { get; init; }
    /// <summary>Runs also if a stage it waits for failed; inputs that are missing then are left out. The run has failed all the same.</summary>
    [Id(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool IgnoreUpstreamFailure { get; init; }
    /// <summary>Runs when everything else is over, however that ended; inputs that are missing are left out. Its own failure does not change how the run ended.</summary>
    [Id(11), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool OnExit { get; init; }
    /// <summary>What it asks of a scheduler beyond its limits, by name in thousandths: <c>{"gpu":500}</c> is half a GPU. It waits until its silo has so much free.</summary>
    /// <value>null: nothing.</value>
    [Id(12)] public ImmutableDictionary<string, int>? Resources { get; init; }
}

/// <summary>An output of an earlier stage.</summary>
/// <param name="Stage">The stage's name.</param>
/// <param name="Output">The output's name.</param>
[GenerateSerializer, Immutable, Alias("gristmill.OutputRef")]
public sealed record OutputRef([property: Id(0)] string Stage, [property: Id(1)] string Output = "out")
{
    /// <summary>Of metrics collected from a loop: the one that is taken of each item; null: all.</summary>
    [Id(2)] public string? Metric { get; init; }
}

/// <summary>How a failed attempt is retried. A crash of the worker or silo is always retried, at most <see cref="MaxAttempts"/> attempts in all.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RetryPolicy")]
public sealed record RetryPolicy
{
    /// <summary>Attempts in all.</summary>
    /// <value>3</value>
    [Id(0)] public int MaxAttempts { get; init; } = 3;
    /// <summary>Wait before the second attempt; each later one is <see cref="Factor"/> times as long.</summary>
    /// <value>200 ms</value>
    [Id(1)] public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(200);
    /// <summary>Whether an error of the stage's own code is retried too; by default only crashes and lost workers are.</summary>
    [Id(2)] public bool RetryErrors { get; init; }
    /// <summary>What each wait is multiplied by to get the next one, 1 to 100.</summary>
    /// <value>null: 2</value>
    [Id(3)] public double? Factor { get; init; }
    /// <summary>Longest wait.</summary>
    /// <value>null: 5 minutes, or <see cref="Backoff"/> if that is longer</value>
    [Id(4)] public TimeSpan? MaxBackoff { get; init; }
    /// <summary>Share of a wait, 0 to 1, by which chance shortens it, so that stages that failed together do not come back together.</summary>
    /// <value>null: 0</value>
    [Id(5)] public double? Jitter { get; init; }
    /// <summary>
    /// Error codes such as "timeout" and names of exception types, full or simple, such as "HttpRequestException", base types
    /// included: these errors are retried, whatever <see cref="RetryErrors"/> says, and no others but crashes.
    /// </summary>
    /// <value>null: <see cref="RetryErrors"/> decides.</value>
    [Id(6)] public ImmutableArray<string>? On { get; init; }
}
