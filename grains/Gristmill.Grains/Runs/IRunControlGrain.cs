using System.Collections.Immutable;
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

    /// <summary>The names of the stages that a stage of a loop became, in the order of the items.</summary>
    /// <param name="stage">The stage, by its name in the spec.</param>
    /// <param name="within">Items of outer loops, such as "[2]"; empty: all.</param>
    /// <param name="offset">Names to pass over.</param>
    [Alias("ListInstances"), AlwaysInterleave]
    Task<InstancePage> ListInstancesAsync(string stage, string within, int offset);
}

/// <summary>Some of the stages that a stage of a loop became.</summary>
/// <param name="Names">Their names; null where one was skipped. Those of items that failed are left out.</param>
/// <param name="Next">The offset to go on from, or null if there are no more.</param>
[GenerateSerializer, Immutable, Alias("gristmill.InstancePage")]
internal sealed record InstancePage([property: Id(0)] ImmutableArray<string?> Names, [property: Id(1)] int? Next);
