using System.Collections.Immutable;
using Gristmill.Grains.Triggers;

namespace Gristmill.Grains.Pipelines;

/// <summary>The triggers that a pipeline's code declares.</summary>
internal static class DeclaredTriggers
{
    private const int Most = 100;

    /// <summary>Checks all of them before anything is stored.</summary>
    public static async Task CheckAsync(IGrainFactory grains, PipelineSpec spec, ImmutableArray<TriggerSpec> triggers)
    {
        if (triggers.Length > Most)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Pipeline '{spec.Name}' declares {triggers.Length} triggers; at most {Most} are possible.", "Add more by 'mill trigger add'.");
        }

        foreach (var trigger in triggers)
        {
            TriggerChecks.Shape(trigger);
            TriggerChecks.Parameters(trigger, spec.Parameters.IsDefault ? [] : spec.Parameters, spec.Partitions);
            if (trigger.Pipeline != spec.Name)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"Trigger '{trigger.Name}' is for pipeline '{trigger.Pipeline}', but '{spec.Name}' declares it.", "A pipeline declares triggers of its own.");
            }
        }

        if (triggers.Select(static trigger => trigger.Name).Distinct(StringComparer.Ordinal).Count() != triggers.Length)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Pipeline '{spec.Name}' declares two triggers of one name.", "Give each its own.");
        }

        await Task.WhenAll(triggers.Select(trigger => Control(grains, trigger.Name).CheckDeclareAsync(spec.Name)));
    }

    /// <summary>Makes those that are declared, and removes those that no longer are.</summary>
    public static async Task ApplyAsync(IGrainFactory grains, string pipeline, ImmutableArray<TriggerSpec> triggers, ImmutableArray<string> known)
    {
        foreach (var trigger in triggers)
        {
            await Control(grains, trigger.Name).DeclareAsync(trigger);
        }

        foreach (var name in known.Except(triggers.Select(static trigger => trigger.Name), StringComparer.Ordinal))
        {
            await Control(grains, name).UndeclareAsync(pipeline);
        }
    }

    private static ITriggerControlGrain Control(IGrainFactory grains, string name) => grains.GetGrain<ITriggerControlGrain>(name);
}
