using System.Collections.Immutable;
using Gristmill.Grains.Triggers;

namespace Gristmill.Grains.Partitions;

/// <summary>What partitions have to do with a run: before it, its parameters; after it, what is noted of them.</summary>
internal static class PartitionRuns
{
    /// <summary>The partition that a run is for, in its whole form, and the parameters it gets.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Partition"/> or <see cref="ErrorCodes.Invalid"/>.</exception>
    public static (string? Partition, ImmutableDictionary<string, string> Parameters) Resolve(PipelineSpec spec, RunRequest request, TimeProvider time)
    {
        if (spec.Partitions is not { } partitions)
        {
            return request.Partition is null ? (null, request.Parameters) : throw new GristmillException(
                ErrorCodes.Partition, $"Pipeline '{spec.Name}' is not partitioned, so there is no partition '{request.Partition}'.", "Leave the partition out.").With("partition", request.Partition);
        }

        if (request.Partition is not { } wanted)
        {
            throw new GristmillException(ErrorCodes.Partition, $"Pipeline '{spec.Name}' is partitioned by {string.Join(" and ", partitions.Dimensions.Select(static d => $"'{d.Name}'"))}, and the run names no partition.",
                "Name one with --partition KEY, or a range with --partitions FROM..TO.");
        }

        var keys = Keys(partitions, time.GetUtcNow());
        var whole = keys.Normalize(wanted);
        var parameters = keys.Parameters(whole);
        if (request.Parameters.Keys.FirstOrDefault(parameters.ContainsKey) is { } clash)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The parameter '{clash}' follows from the partition '{whole}' and cannot be given.", "Leave it out.");
        }

        return (whole, request.Parameters.SetItems(parameters));
    }

    /// <summary>A run's parameters without those that follow from its partition: what it was given, and defaults.</summary>
    public static ImmutableDictionary<string, string> Given(PipelineSpec spec, string? partition, ImmutableDictionary<string, string> parameters, TimeProvider time)
    {
        if (spec.Partitions is not { } partitions || partition is null)
        {
            return parameters;
        }

        var keys = Keys(partitions, time.GetUtcNow());
        return parameters.RemoveRange(keys.Parameters(keys.Normalize(partition)).Keys);
    }

    /// <summary>Notes the end of a run with each of its partitions; returns once all of that is stored.</summary>
    /// <remarks>Of the keys as they were when the run was made: the clock may have gone back since.</remarks>
    public static Task OnEndedAsync(IGrainFactory grains, PartitionSpec spec, string partition, RunEnded run) => Task.WhenAll(
        PartitionShardGrain.Of(grains, run.Pipeline, Keys(spec, run.Created).Range(partition)).Select(shard => shard.Shard.OnRunEndedAsync(shard.Keys, run)));

    private static PartitionKeys Keys(PartitionSpec spec, DateTimeOffset at) => new(spec, DateOnly.FromDateTime(at.UtcDateTime));
}
