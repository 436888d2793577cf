using System.Text.Json;

namespace Gristmill;

/// <summary>A trigger that comes to life on a server when the pipeline is registered there.</summary>
public sealed class DeclaredTrigger
{
    private readonly PipelineBuilder _owner;
    private readonly string _kind;
    private string? _name;

    internal DeclaredTrigger(PipelineBuilder owner, string kind, TriggerSpec spec) => (_owner, _kind, Spec) = (owner, kind, spec);

    internal TriggerSpec Spec { get; private set; }

    /// <summary>Names it. Without this it is named by the pipeline and its kind, such as "flights-cron".</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: not a name.</exception>
    public DeclaredTrigger Named(string name)
    {
        NameRules.Require(name, "trigger");
        _name = name;
        return this;
    }

    /// <summary>Gives its runs a parameter.</summary>
    public DeclaredTrigger Set<T>(Parameter<T> parameter, T value) where T : notnull => Put(parameter, JsonSerializer.Serialize(value, GristmillJson.Options));

    /// <summary>Gives its runs a parameter from the event: <c>.Set(day, EventValue.ScheduledDate)</c>.</summary>
    public DeclaredTrigger Set<T>(Parameter<T> parameter, EventValue value) => Put(parameter, JsonSerializer.Serialize($"{{{{{value.Placeholder}}}}}", GristmillJson.Options));

    /// <summary>Sets its policies; what is left out stays as it is.</summary>
    /// <param name="concurrency">What happens while a run that it started is under way. Default: allow.</param>
    /// <param name="queueLimit">For <see cref="ConcurrencyPolicy.Queue"/>: firings that may wait. Default 10.</param>
    /// <param name="catchUp">For schedules: what happens to times that passed while nothing could fire. Default: once.</param>
    /// <param name="catchUpLimit">For <see cref="CatchUpPolicy.All"/>: how many are fired. Default 10.</param>
    /// <param name="partition">For a partitioned pipeline: a key, or <c>"{{scheduled}}"</c> for the partition that has ended last; with listed keys <c>"ATL/{{scheduled}}"</c>.</param>
    /// <param name="description">A sentence for people.</param>
    /// <param name="markStale">Marks the partition stale, as its data have changed, in place of starting a run for it. Default: false.</param>
    public DeclaredTrigger With(ConcurrencyPolicy? concurrency = null, int? queueLimit = null, CatchUpPolicy? catchUp = null, int? catchUpLimit = null,
        string? partition = null, string? description = null, bool? markStale = null)
    {
        Spec = Spec with
        {
            Concurrency = concurrency ?? Spec.Concurrency,
            QueueLimit = queueLimit ?? Spec.QueueLimit,
            CatchUp = catchUp ?? Spec.CatchUp,
            CatchUpLimit = catchUpLimit ?? Spec.CatchUpLimit,
            Partition = partition ?? Spec.Partition,
            Description = description ?? Spec.Description,
            MarkStale = markStale ?? Spec.MarkStale,
        };
        return this;
    }

    /// <summary>The spec once the pipeline's name is known.</summary>
    internal TriggerSpec Compile(string pipeline, HashSet<string> taken)
    {
        var wish = _name ?? $"{pipeline}-{_kind}";
        var name = wish;
        for (var n = 2; !taken.Add(name); n++)
        {
            name = _name is null ? $"{wish}-{n}" : throw new GristmillException(ErrorCodes.Invalid, $"Two triggers are named '{wish}'.", "Give each its own name.");
        }

        var spec = Spec with { Name = name, Pipeline = pipeline };
        TriggerSpecValidator.ThrowIfInvalid(spec);
        return spec;
    }

    private DeclaredTrigger Put<T>(Parameter<T> parameter, string json)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        if (!ReferenceEquals(parameter.Owner, _owner))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The parameter '{parameter.Name}' belongs to another pipeline.", "Use a parameter of this one.");
        }

        Spec = Spec with { Parameters = Spec.Parameters.SetItem(parameter.Name, json) };
        return this;
    }
}
