using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>What starts runs of a pipeline by itself: exactly one of the sources below is set.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.TriggerSpec")]
public sealed record TriggerSpec
{
    /// <summary>Unique in the cluster; same alphabet as a pipeline's name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>The pipeline whose runs it starts.</summary>
    [Id(1)] public required string Pipeline { get; init; }
    /// <summary>At the times of a cron expression.</summary>
    [Id(2)] public CronSchedule? Cron { get; init; }
    /// <summary>Again and again after a fixed time.</summary>
    [Id(3)] public IntervalSchedule? Interval { get; init; }
    /// <summary>For each file that arrives in a folder.</summary>
    [Id(4)] public FileArrival? File { get; init; }
    /// <summary>For each signed HTTP request.</summary>
    [Id(5)] public WebhookSource? Webhook { get; init; }
    /// <summary>When a run of another pipeline ends.</summary>
    [Id(6)] public RunCompletion? After { get; init; }
    /// <summary>When a metric crosses a value.</summary>
    [Id(7)] public MetricThreshold? Metric { get; init; }
    /// <summary>For each event of an Orleans stream.</summary>
    [Id(8)] public StreamSource? Stream { get; init; }
    /// <summary>
    /// Parameters of the runs, JSON literals as text. A text that is <c>{{name}}</c> as a whole stands for a value of the
    /// event, see <see cref="TriggerTemplate"/>; it is never put into a longer text.
    /// </summary>
    [Id(9), JsonConverter(typeof(RawJsonMapConverter))] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>What happens while a run that this trigger started is under way.</summary>
    /// <value>Allow</value>
    [Id(10)] public ConcurrencyPolicy Concurrency { get; init; }
    /// <summary>For <see cref="ConcurrencyPolicy.Queue"/>: firings that may wait, 1 to 20; more are skipped.</summary>
    /// <value>10</value>
    [Id(11)] public int QueueLimit { get; init; } = 10;
    /// <summary>For schedules: what happens to times that passed while nothing could fire.</summary>
    /// <value>Once</value>
    [Id(12)] public CatchUpPolicy CatchUp { get; init; } = CatchUpPolicy.Once;
    /// <summary>For <see cref="CatchUpPolicy.All"/>: how many of the newest missed times are fired, 1 to 20.</summary>
    /// <value>10</value>
    [Id(13)] public int CatchUpLimit { get; init; } = 10;
    /// <summary>
    /// For a partitioned pipeline: which partition the runs are for. <c>{{scheduled}}</c> is the one whose time range has
    /// ended last at the scheduled time, of two dimensions of time in both; anything else is a key or a placeholder for one. Of two
    /// dimensions each may be said by itself, such as <c>ATL/{{scheduled}}</c>. Null: the whole pipeline.
    /// </summary>
    [Id(14)] public string? Partition { get; init; }
    /// <summary>A sentence for people, or null.</summary>
    [Id(15)] public string? Description { get; init; }
    /// <summary>When an object in an object store appears or gets new content.</summary>
    [Id(16)] public ObjectArrival? Object { get; init; }
    /// <summary>
    /// Marks the partition stale in place of starting a run for it: late data of a partition that was made. A backfill of those that are stale makes
    /// them anew, many late files of one at once. It has no parameters.
    /// </summary>
    [Id(17)] public bool MarkStale { get; init; }
}

/// <summary>What a trigger does while a run that it started is under way.</summary>
public enum ConcurrencyPolicy
{
    /// <summary>Starts another run beside it.</summary>
    Allow = 0,
    /// <summary>Skips the firing.</summary>
    Forbid = 1,
    /// <summary>Cancels the run that is under way and starts the new one.</summary>
    Replace = 2,
    /// <summary>Waits until it has ended.</summary>
    Queue = 3,
}

/// <summary>What a schedule does about times that passed while the cluster was down or its clock jumped.</summary>
public enum CatchUpPolicy
{
    /// <summary>Nothing, if more than a minute late.</summary>
    Skip = 0,
    /// <summary>Fires once, for the newest of them.</summary>
    Once = 1,
    /// <summary>Fires for each, oldest first, at most <see cref="TriggerSpec.CatchUpLimit"/>; older ones are skipped.</summary>
    All = 2,
}
