using System.Collections.Immutable;

namespace Gristmill;

/// <summary>One attempt at one stage, as sent to an executor. Options hold literal values: parameters and upstream values are already filled in.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageRequest")]
public sealed record StageRequest
{
    /// <summary>The run.</summary>
    [Id(0)] public required string RunId { get; init; }
    /// <summary>The stage's name in its pipeline.</summary>
    [Id(1)] public required string Stage { get; init; }
    /// <summary>Counts from 1.</summary>
    [Id(2)] public required int Attempt { get; init; }
    /// <summary>Fencing epoch: only the newest epoch of a stage may commit.</summary>
    [Id(3)] public required long Epoch { get; init; }
    /// <summary>The operation, one of <see cref="StageOperations"/>; its prefix names the engine.</summary>
    [Id(4)] public required string Operation { get; init; }
    /// <summary>The operation's options, a JSON object.</summary>
    [Id(5)] public string Options { get; init; } = "{}";
    /// <summary>Inputs by name.</summary>
    [Id(6)] public ImmutableDictionary<string, Artifact> Inputs { get; init; } = ImmutableDictionary<string, Artifact>.Empty;
    /// <summary>The user's assemblies, for operations that call them.</summary>
    [Id(7)] public CodeRef? Code { get; init; }
    /// <summary>Limits for the attempt.</summary>
    [Id(8)] public StageLimits Limits { get; init; } = new();
    /// <summary>W3C traceparent of the run, so that a trace goes from REST to the worker's step.</summary>
    [Id(9)] public string? TraceParent { get; init; }
    /// <summary>How the run ended, for a stage that runs at its exit.</summary>
    [Id(14)] public ExitStatus? Exit { get; init; }
    /// <summary>Secrets by name: they take the place of <c>{"$secret":"name"}</c> in the options inside the worker, and are taken out of all it says.</summary>
    [Id(15)] public ImmutableDictionary<string, string> Secrets { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>What the stage requires of its host beyond its limits, by name in thousandths.</summary>
    /// <value>null: nothing.</value>
    [Id(16)] public ImmutableDictionary<string, int>? Resources { get; init; }
}

/// <summary>Limits of one stage attempt.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageLimits")]
public sealed record StageLimits
{
    /// <summary>Threads the engine may use.</summary>
    /// <value>0: the executor's slot decides.</value>
    [Id(0)] public int Threads { get; init; }
    /// <summary>Resident memory above which the worker is ended, in MiB; shared segments do not count.</summary>
    /// <value>0: the executor's default.</value>
    [Id(1)] public int MemoryMiB { get; init; }
    /// <summary>Wall time after which the attempt is cancelled.</summary>
    /// <value>null: no limit.</value>
    [Id(2)] public TimeSpan? Timeout { get; init; }
    /// <summary>Longest time between two heartbeats or reports of progress; an attempt that is silent for longer is ended, and retried like a crash.</summary>
    /// <value>null: no limit.</value>
    [Id(6)] public TimeSpan? HeartbeatTimeout { get; init; }
}

/// <summary>What a finished attempt hands back.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageResult")]
public sealed record StageResult
{
    /// <summary>Outputs by name; a stage with one output calls it "out".</summary>
    [Id(0)] public ImmutableDictionary<string, Artifact> Outputs { get; init; } = ImmutableDictionary<string, Artifact>.Empty;
    /// <summary>What it cost.</summary>
    [Id(1)] public StageUsage Usage { get; init; } = new();
}

/// <summary>What an attempt cost.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageUsage")]
public sealed record StageUsage
{
    /// <summary>Wall time in milliseconds, in the worker.</summary>
    [Id(0)] public double WallMs { get; init; }
    /// <summary>CPU time of the worker during the attempt, all threads, in milliseconds.</summary>
    [Id(1)] public double CpuMs { get; init; }
    /// <summary>Rows of all dataset outputs.</summary>
    [Id(2)] public long Rows { get; init; }
    /// <summary>Bytes of all dataset and model outputs.</summary>
    [Id(3)] public long BytesOut { get; init; }
    /// <summary>Bytes that bridges had to copy to hand data over; 0 on zero-copy paths.</summary>
    [Id(4)] public long BytesCopied { get; init; }
    /// <summary>Peak resident memory of the worker in bytes.</summary>
    [Id(5)] public long PeakRss { get; init; }
}

/// <summary>One report of progress from a running attempt.</summary>
/// <param name="Fraction">0 to 1, or null where unknown.</param>
/// <param name="Message">What is going on, a line, or null.</param>
[GenerateSerializer, Immutable, Alias("gristmill.StageProgress")]
public sealed record StageProgress([property: Id(0)] double? Fraction = null, [property: Id(1)] string? Message = null)
{
    /// <summary>Named numbers at this moment, such as "loss", "epoch" or "auc".</summary>
    [Id(2)] public ImmutableDictionary<string, double> Metrics { get; init; } = ImmutableDictionary<string, double>.Empty;
}
