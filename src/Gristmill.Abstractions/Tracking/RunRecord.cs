using System.Collections.Immutable;

namespace Gristmill;

/// <summary>A run as the index of runs keeps it, with what it can be found by.</summary>
public sealed record RunRecord
{
    /// <summary>The run's id: time-ordered, so ids sort by start.</summary>
    public required string Id { get; init; }
    /// <summary>The pipeline's name.</summary>
    public required string Pipeline { get; init; }
    /// <summary>The version of its spec.</summary>
    public string? PipelineVersion { get; init; }
    /// <summary>Where it is.</summary>
    public required RunStatus Status { get; init; }
    /// <summary>When it was accepted.</summary>
    public required DateTimeOffset Created { get; init; }
    /// <summary>When its first stage started, or null.</summary>
    public DateTimeOffset? Started { get; init; }
    /// <summary>When it ended, or null.</summary>
    public DateTimeOffset? Ended { get; init; }
    /// <summary>The code of the error it failed with, or null.</summary>
    public string? Error { get; init; }
    /// <summary>The partition, or the range of them, that it is for; null if the pipeline has none.</summary>
    public string? Partition { get; init; }
    /// <summary>The trigger that started it, or null.</summary>
    public string? Trigger { get; init; }
    /// <summary>Its parameters and those that stages logged: text as it is, anything else as a JSON literal.</summary>
    public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>Its tags.</summary>
    public ImmutableDictionary<string, string> Tags { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>The newest value of each metric, by "stage.metric": logged ones, and those that stages gave as outputs.</summary>
    public ImmutableDictionary<string, double> Metrics { get; init; } = ImmutableDictionary<string, double>.Empty;
}

/// <summary>What a run's grain tells the index. The grain decides; the index only shows.</summary>
public sealed record RunProjection
{
    /// <summary>The run; <see cref="RunRecord.Metrics"/> and <see cref="RunRecord.Tags"/> of it are ignored.</summary>
    public required RunRecord Run { get; init; }
    /// <summary>Counts up with each change of the run: what is older than what the index has is ignored, the same again changes nothing.</summary>
    public required long Sequence { get; init; }
    /// <summary>Metrics that stages gave as outputs.</summary>
    public IReadOnlyList<StageMetrics> Metrics { get; init; } = [];
}

/// <summary>Metrics that a stage gave as an output.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Attempt">The attempt that was committed.</param>
/// <param name="Time">When it ended.</param>
/// <param name="Values">The metrics by name.</param>
public sealed record StageMetrics(string Stage, int Attempt, DateTimeOffset Time, ImmutableDictionary<string, double> Values);

/// <summary>A page of runs.</summary>
/// <param name="Runs">The runs in order.</param>
/// <param name="Next">Asks for the page after this one, or null if this is the last.</param>
public sealed record RunPage(IReadOnlyList<RunRecord> Runs, string? Next);

/// <summary>Asks the index for runs.</summary>
public sealed record RunQuery
{
    /// <summary>The most runs of a page.</summary>
    public const int MaxLimit = 1000;

    /// <summary>Only of this pipeline; null: of all.</summary>
    public string? Pipeline { get; init; }
    /// <summary>Only those it holds for (<see cref="RunFilter"/>); null: all.</summary>
    public string? Filter { get; init; }
    /// <summary>What they are ordered by (<see cref="RunOrder"/>); null: newest first.</summary>
    public string? Order { get; init; }
    /// <summary>The most there shall be, 1 to 1,000.</summary>
    public int Limit { get; init; } = 50;
    /// <summary><see cref="RunPage.Next"/> of the page before.</summary>
    public string? Page { get; init; }
    /// <summary>Only runs with smaller ids, that is older ones; null: all.</summary>
    public string? Before { get; init; }
}

/// <summary>The newest value of a metric of a run.</summary>
public sealed record MetricLatest
{
    /// <summary>The metric's name.</summary>
    public required string Name { get; init; }
    /// <summary>The stage.</summary>
    public required string Stage { get; init; }
    /// <summary>The attempt that logged it.</summary>
    public required int Attempt { get; init; }
    /// <summary>The newest value.</summary>
    public required double Value { get; init; }
    /// <summary>Its step.</summary>
    public required long Step { get; init; }
    /// <summary>When it was logged.</summary>
    public required DateTimeOffset Time { get; init; }
    /// <summary>Points there are of it, in all attempts; 0 for an output of the stage, which has no history.</summary>
    public required long Points { get; init; }
}

/// <summary>Asks for the history of a metric.</summary>
public sealed record MetricQuery
{
    /// <summary>The most points of an answer.</summary>
    public const int MaxPoints = 100_000;

    /// <summary>The run.</summary>
    public required string RunId { get; init; }
    /// <summary>The metric: "loss" in every stage, or "train.loss" in one.</summary>
    public required string Name { get; init; }
    /// <summary>The first step wanted.</summary>
    public long From { get; init; } = long.MinValue;
    /// <summary>The most points wanted of a stage; above that the curve is thinned out without changing how it looks.</summary>
    public int Points { get; init; } = 1000;
    /// <summary>Points of this attempt alone; null: what holds, where a later attempt replaces an earlier one from its first step on.</summary>
    public int? Attempt { get; init; }
}

/// <summary>The history of a metric in one stage, in order of steps.</summary>
public sealed record MetricSeries
{
    /// <summary>The metric's name.</summary>
    public required string Name { get; init; }
    /// <summary>The stage.</summary>
    public required string Stage { get; init; }
    /// <summary>The newest attempt in it.</summary>
    public required int Attempt { get; init; }
    /// <summary>Points there are from the first step wanted on.</summary>
    public required long Total { get; init; }
    /// <summary>Steps of the points given.</summary>
    public required ImmutableArray<long> Steps { get; init; }
    /// <summary>Their times in milliseconds since 1970 (UTC).</summary>
    public required ImmutableArray<long> Times { get; init; }
    /// <summary>Their values; in JSON, what is no number is "NaN", "Infinity" or "-Infinity".</summary>
    public required ImmutableArray<double> Values { get; init; }
}
