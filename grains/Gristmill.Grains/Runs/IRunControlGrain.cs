using Orleans.Concurrency;

namespace Gristmill.Grains.Runs;

/// <summary>What the control plane asks of a run; implemented by the same grain as <see cref="IRunGrain"/>.</summary>
[Alias("gristmill.IRunControlGrain")]
internal interface IRunControlGrain : IGrainWithStringKey
{
    /// <summary>The run in short, or null if there is none of this id.</summary>
    [Alias("GetSummary"), AlwaysInterleave]
    Task<RunSummary?> GetSummaryAsync();

    /// <summary>Has the index of runs take it in; for an index that was lost.</summary>
    [Alias("Index"), AlwaysInterleave]
    Task IndexAsync();

    /// <summary>What it was started with, or null if there is none of this id.</summary>
    [Alias("GetDefinition"), AlwaysInterleave]
    Task<RunDefinition?> GetDefinitionAsync();

    /// <summary>Goes on if the run is unfinished, also with stages that a dead silo held.</summary>
    [Alias("Resume"), AlwaysInterleave]
    Task ResumeAsync();
}
