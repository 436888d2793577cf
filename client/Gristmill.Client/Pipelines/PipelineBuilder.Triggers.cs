using System.Collections.Immutable;

namespace Gristmill;

// Triggers that the code declares.
public sealed partial class PipelineBuilder
{
    private readonly List<DeclaredTrigger> _triggers = [];

    /// <summary>What starts the pipeline by itself: <c>p.On.Cron("0 6 * * *", "Europe/Berlin")</c>.</summary>
    public TriggerSources On => field ??= new TriggerSources(this);

    internal DeclaredTrigger Add(DeclaredTrigger trigger)
    {
        if (_compiled)
        {
            throw new GristmillException(ErrorCodes.Invalid, "A trigger was added after Pipeline.Create had returned.", "Add triggers inside the definition.");
        }

        _triggers.Add(trigger);
        return trigger;
    }

    private ImmutableArray<TriggerSpec>? CompileTriggers(string pipeline)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        return _triggers.Count == 0 ? null : [.. _triggers.Select(trigger => trigger.Compile(pipeline, taken))];
    }
}
