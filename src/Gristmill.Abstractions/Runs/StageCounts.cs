using System.Text.Json.Serialization;

namespace Gristmill;

/// <summary>How many stages of a run are in each status.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.StageCounts")]
public sealed record StageCounts
{
    /// <summary>They wait for their inputs.</summary>
    [Id(0)] public int Pending { get; init; }
    /// <summary>They run.</summary>
    [Id(1)] public int Running { get; init; }
    /// <summary>Their outputs are committed.</summary>
    [Id(2)] public int Succeeded { get; init; }
    /// <summary>Their last attempt failed.</summary>
    [Id(3)] public int Failed { get; init; }
    /// <summary>They were skipped.</summary>
    [Id(4)] public int Skipped { get; init; }
    /// <summary>They were cancelled.</summary>
    [Id(5)] public int Cancelled { get; init; }

    /// <summary>All of them.</summary>
    [JsonIgnore] public int Total => Pending + Running + Succeeded + Failed + Skipped + Cancelled;

    /// <summary>Those of one status.</summary>
    public int Of(StageStatus status) => status switch
    {
        StageStatus.Pending => Pending,
        StageStatus.Running => Running,
        StageStatus.Succeeded => Succeeded,
        StageStatus.Failed => Failed,
        StageStatus.Skipped => Skipped,
        StageStatus.Cancelled => Cancelled,
        _ => 0,
    };

    /// <summary>Counts stages.</summary>
    public static StageCounts Of(IEnumerable<StageView> stages)
    {
        ArgumentNullException.ThrowIfNull(stages);
        var by = stages.CountBy(static stage => stage.Status).ToDictionary();
        return new StageCounts
        {
            Pending = by.GetValueOrDefault(StageStatus.Pending),
            Running = by.GetValueOrDefault(StageStatus.Running),
            Succeeded = by.GetValueOrDefault(StageStatus.Succeeded),
            Failed = by.GetValueOrDefault(StageStatus.Failed),
            Skipped = by.GetValueOrDefault(StageStatus.Skipped),
            Cancelled = by.GetValueOrDefault(StageStatus.Cancelled),
        };
    }
}
