using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>A trigger as it stands.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.TriggerView")]
public sealed record TriggerView
{
    /// <summary>What it does.</summary>
    [Id(0)] public required TriggerSpec Spec { get; init; }
    /// <summary>Whether it fires nothing until it is resumed.</summary>
    [Id(1)] public bool Paused { get; init; }
    /// <summary>Whether the pipeline's code declares it; it goes when the code no longer does.</summary>
    [Id(2)] public bool Declared { get; init; }
    /// <summary>When it was made.</summary>
    [Id(3)] public required DateTimeOffset Created { get; init; }
    /// <summary>When it was last changed.</summary>
    [Id(4)] public required DateTimeOffset Updated { get; init; }
    /// <summary>For schedules: the next time; null while paused.</summary>
    [Id(5)] public DateTimeOffset? Next { get; init; }
    /// <summary>Firings so far, with those skipped and failed.</summary>
    [Id(6)] public long Firings { get; init; }
    /// <summary>The newest firing, or null.</summary>
    [Id(7)] public TriggerFiring? Last { get; init; }
    /// <summary>Firings that wait for a run to end.</summary>
    [Id(8)] public int Queued { get; init; }
    /// <summary>What keeps it from looking or listening, such as a folder that does not exist; null if nothing does.</summary>
    [Id(9)] public ErrorInfo? Problem { get; init; }
}

/// <summary>What became of a firing.</summary>
public enum FiringOutcome
{
    /// <summary>Stored, and about to start a run or waiting for its turn.</summary>
    Waiting = 0,
    /// <summary>It started a run.</summary>
    Started = 1,
    /// <summary>A policy left it out; the reason says which.</summary>
    Skipped = 2,
    /// <summary>The run was refused; the error says why.</summary>
    Failed = 3,
    /// <summary>It marked what was made of its partition stale (<see cref="TriggerSpec.MarkStale"/>).</summary>
    Marked = 4,
}

/// <summary>One firing of a trigger.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.TriggerFiring")]
public sealed record TriggerFiring
{
    /// <summary>Counts from 1 within the trigger; pages go by it.</summary>
    [Id(0)] public required long Number { get; init; }
    /// <summary>What it is for: a time, a file, a message, a run. The same id never fires twice.</summary>
    [Id(1)] public required string Id { get; init; }
    /// <summary>The time it is for: that of the schedule or of the event.</summary>
    [Id(2)] public required DateTimeOffset Scheduled { get; init; }
    /// <summary>When it was stored.</summary>
    [Id(3)] public required DateTimeOffset Fired { get; init; }
    /// <summary>What became of it.</summary>
    [Id(4)] public required FiringOutcome Outcome { get; init; }
    /// <summary>The run it started, or null.</summary>
    [Id(5)] public string? Run { get; init; }
    /// <summary>Why it was skipped, or what it made up for; null otherwise.</summary>
    [Id(6)] public string? Reason { get; init; }
    /// <summary>Why the run was refused, or null.</summary>
    [Id(7)] public ErrorInfo? Error { get; init; }
    /// <summary>The parameters it gave the run, JSON literals as text.</summary>
    [Id(8), JsonConverter(typeof(RawJsonMapConverter))] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>The partition of the run, or null.</summary>
    [Id(9)] public string? Partition { get; init; }
}
