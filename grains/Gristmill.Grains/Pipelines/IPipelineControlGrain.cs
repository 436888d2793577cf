using Gristmill.Grains.Partitions;

namespace Gristmill.Grains.Pipelines;

/// <summary>What the control plane asks of a pipeline; implemented by the same grain as <see cref="IPipelineGrain"/>.</summary>
[Alias("gristmill.IPipelineControlGrain")]
internal interface IPipelineControlGrain : IGrainWithStringKey
{
    /// <summary>The parameters of the newest version, or null if there is no such pipeline: its whole spec may be large.</summary>
    [Alias("GetParameters")]
    Task<IReadOnlyList<ParameterSpec>?> GetParametersAsync();

    /// <summary>How it is partitioned and which of its partitions have runs under way, or null if there is no such pipeline.</summary>
    [Alias("GetPartitions")]
    Task<PartitionFacts?> GetPartitionsAsync();

    /// <summary>Called by a run that is being removed: it is listed no more, and its key makes a new run; returns once that is stored. Again changes nothing.</summary>
    [Alias("RunRemoved")]
    Task OnRunRemovedAsync(string run);
}
