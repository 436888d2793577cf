namespace Gristmill;

/// <summary>What kind of thing a run is found by.</summary>
public enum RunFieldKind
{
    /// <summary>A fact about every run: one of <see cref="RunField.Attributes"/>.</summary>
    Attribute = 0,
    /// <summary>A parameter's value.</summary>
    Parameter = 1,
    /// <summary>A tag's value.</summary>
    Tag = 2,
    /// <summary>The newest value of a metric: "loss" of whichever stage logged it last, or "train.loss" of one.</summary>
    Metric = 3,
}

/// <summary>Something that runs are filtered and ordered by.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">Its name.</param>
public readonly record struct RunField(RunFieldKind Kind, string Name)
{
    /// <summary>The attributes: id, pipeline, version, status, error (its code), partition, trigger (its name), created, started, ended (instants), duration (seconds).</summary>
    public static IReadOnlyList<string> Attributes { get; } = ["id", "pipeline", "version", "status", "error", "partition", "trigger", "created", "started", "ended", "duration"];

    /// <summary>Whether it is compared as a number.</summary>
    public bool IsNumber => Kind == RunFieldKind.Metric || (Kind == RunFieldKind.Attribute && Name == "duration");

    /// <summary>Whether it is compared as an instant.</summary>
    public bool IsInstant => Kind == RunFieldKind.Attribute && Name is "created" or "started" or "ended";

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        RunFieldKind.Parameter => $"params.{Name}",
        RunFieldKind.Tag => $"tags.{Name}",
        RunFieldKind.Metric => $"metrics.{Name}",
        _ => Name,
    };
}
