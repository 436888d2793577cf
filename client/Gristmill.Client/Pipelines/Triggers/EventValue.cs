namespace Gristmill;

/// <summary>A value of the event that fires a trigger, for a parameter of the run.</summary>
/// <param name="Placeholder">Its name, as in <see cref="TriggerTemplate"/>.</param>
public readonly record struct EventValue(string Placeholder)
{
    /// <summary>The instant that the firing is for.</summary>
    public static EventValue Scheduled => new(TriggerTemplate.Scheduled);
    /// <summary>The day of that instant, in the trigger's time zone.</summary>
    public static EventValue ScheduledDate => new(TriggerTemplate.ScheduledDate);
    /// <summary>The path of the file that arrived.</summary>
    public static EventValue File => new(TriggerTemplate.File);
    /// <summary>The address of the object that arrived.</summary>
    public static EventValue ObjectUrl => new(TriggerTemplate.ObjectUrl);
    /// <summary>The server's tag of the content that arrived.</summary>
    public static EventValue ObjectETag => new(TriggerTemplate.ObjectETag);
    /// <summary>The id of the run that ended.</summary>
    public static EventValue Run => new(TriggerTemplate.Run);
    /// <summary>The value of the metric that crossed its threshold.</summary>
    public static EventValue Metric => new(TriggerTemplate.Metric);

    /// <summary>A value of a webhook's or an event's JSON body.</summary>
    /// <param name="path">Where it is, such as "order.items[0].id"; empty: the whole body.</param>
    public static EventValue Body(string path = "") => new(path.Length == 0 ? TriggerTemplate.Body : path[0] == '[' ? TriggerTemplate.Body + path : $"{TriggerTemplate.Body}.{path}");
}
