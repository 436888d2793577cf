using Gristmill.Grains.Pipelines;

namespace Gristmill.Grains.Triggers;

/// <summary>What must hold before a trigger is stored.</summary>
internal static class TriggerChecks
{
    private const int MaxPipelines = 1000;

    /// <summary>Checks what the spec says by itself.</summary>
    public static void Shape(TriggerSpec spec)
    {
        TriggerSpecValidator.ThrowIfInvalid(spec);
        if (TriggerSchedule.Of(spec, DateTimeOffset.UnixEpoch) is CronTimes times && times.Next(new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero)) is null)
        {
            throw new GristmillException(ErrorCodes.Cron, $"'{spec.Cron!.Expression}' never comes true.", "Correct day, month and weekday.").With("expression", spec.Cron.Expression);
        }
    }

    /// <summary>Checks parameters against those of the pipeline.</summary>
    public static void Parameters(TriggerSpec spec, IReadOnlyList<ParameterSpec> parameters, PartitionSpec? partitions)
    {
        if ((spec.Partition is null) != (partitions is null))
        {
            throw new GristmillException(ErrorCodes.Partition,
                partitions is null ? $"Pipeline '{spec.Pipeline}' is not partitioned, so trigger '{spec.Name}' cannot name a partition."
                    : $"Pipeline '{spec.Pipeline}' is partitioned, and trigger '{spec.Name}' names no partition.",
                partitions is null ? "Leave the partition out." : "Name one: {{scheduled}} is the one that has ended last at the scheduled time.");
        }

        // A time says nothing of listed keys, of which a run needs one.
        var parts = TriggerTemplate.PartitionParts(spec);
        if (partitions?.Dimensions.Where((dimension, i) => dimension.Kind == PartitionKind.Static
            && TriggerTemplate.Placeholder(parts[Math.Min(i, parts.Count - 1)]) is TriggerTemplate.Scheduled or TriggerTemplate.ScheduledDate).FirstOrDefault() is { } keyless)
        {
            throw new GristmillException(ErrorCodes.Partition, $"The partition '{spec.Partition}' of trigger '{spec.Name}' names no key of '{keyless.Name}'.",
                $"Name one: {string.Join('/', partitions.Dimensions.Select(static d => d.Kind == PartitionKind.Static ? d.Keys[0] : "{{scheduled}}"))}.");
        }

        // Those that follow from the partition are not the trigger's to give.
        var follow = (partitions?.Dimensions ?? []).SelectMany(PartitionKeys.ParametersOf).Select(static p => p.Name).ToHashSet(StringComparer.Ordinal);
        parameters = [.. parameters.Where(p => !follow.Contains(p.Name))];
        var problems = new List<string>();
        var byName = parameters.ToDictionary(static p => p.Name, StringComparer.Ordinal);
        foreach (var (name, json) in spec.Parameters.OrderBy(static p => p.Key, StringComparer.Ordinal))
        {
            if (!byName.TryGetValue(name, out var parameter))
            {
                problems.Add($"there is no parameter '{name}'; " + (byName.Count == 0 ? "the pipeline has none" : $"known: {string.Join(", ", byName.Keys)}"));
            }
            else if (TriggerTemplate.Placeholder(json) is null && ParameterValues.Problem(parameter.Type, json) is { } problem)
            {
                problems.Add($"parameter '{name}': {problem}");
            }
        }

        problems.AddRange(spec.MarkStale ? [] : parameters.Where(p => p.Default is null && !spec.Parameters.ContainsKey(p.Name)).Select(static p => $"parameter '{p.Name}' has no default and is not given"));
        if (problems.Count > 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The parameters of trigger '{spec.Name}' do not fit pipeline '{spec.Pipeline}': {string.Join("; ", problems)}.",
                "Correct them; nothing was changed.").With("problems", string.Join('\n', problems));
        }
    }

    /// <summary>Checks that the pipelines are there and that no circle of them would start each other for ever.</summary>
    public static async Task PipelinesAsync(IGrainFactory grains, TriggerSpec spec)
    {
        var parameters = await grains.GetGrain<IPipelineControlGrain>(spec.Pipeline).GetParametersAsync() ?? throw Missing(spec.Pipeline);
        var partitions = (await grains.GetGrain<IPipelineControlGrain>(spec.Pipeline).GetPartitionsAsync())?.Spec;
        Parameters(spec, parameters, partitions);
        if ((spec.After?.Pipeline ?? spec.Metric?.Pipeline) is not { } upstream)
        {
            return;
        }

        if (upstream != spec.Pipeline && await grains.GetGrain<IPipelineControlGrain>(upstream).GetParametersAsync() is null)
        {
            throw Missing(upstream);
        }

        if (spec.After is not null && await ReachesAsync(grains, spec.Pipeline, upstream))
        {
            throw new GristmillException(ErrorCodes.TriggerCycle,
                $"Trigger '{spec.Name}' starts '{spec.Pipeline}' after '{upstream}', and '{upstream}' starts after '{spec.Pipeline}' already: they would run for ever.",
                "Break the circle, or use a schedule.");
        }
    }

    private static async Task<bool> ReachesAsync(IGrainFactory grains, string from, string to)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal) { from };
        var open = new Queue<string>([from]);
        while (open.TryDequeue(out var pipeline))
        {
            if (pipeline == to)
            {
                return true;
            }

            foreach (var next in await grains.GetGrain<IRunSubscribersGrain>(pipeline).ListStartedAsync())
            {
                if (seen.Count < MaxPipelines && seen.Add(next))
                {
                    open.Enqueue(next);
                }
            }
        }

        return false;
    }

    private static GristmillException Missing(string pipeline) =>
        new GristmillException(ErrorCodes.NotFound, $"There is no pipeline '{pipeline}'.", "Register it first, or check the name.").With("pipeline", pipeline);
}
