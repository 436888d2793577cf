namespace Gristmill;

/// <summary>How the pipeline is partitioned: by day, week, month or listed keys, or by any two of these in the order that they are said.</summary>
public sealed class Partitioning
{
    private readonly PipelineBuilder _pipeline;
    private readonly List<PartitionDimension> _dimensions = [];
    private readonly List<string> _upstream = [];

    internal Partitioning(PipelineBuilder pipeline) => _pipeline = pipeline;

    /// <summary>By days, with keys such as "2001-04-05".</summary>
    /// <param name="name">Such as "day"; also the parameter that gets the key.</param>
    /// <param name="from">The first day.</param>
    /// <param name="to">The day after the last; null: those that have ended when a run starts.</param>
    public TimePartition Day(string name, DateOnly from, DateOnly? to = null) => Time(name, PartitionKind.Day, from, to);

    /// <summary>By ISO weeks from Monday, with keys such as "2001-W14".</summary>
    /// <param name="name">Such as "week"; also the parameter that gets the key.</param>
    /// <param name="from">A day of the first week.</param>
    /// <param name="to">The day after the last week; null: those that have ended when a run starts.</param>
    public TimePartition Week(string name, DateOnly from, DateOnly? to = null) => Time(name, PartitionKind.Week, from, to);

    /// <summary>By months, with keys such as "2001-04".</summary>
    /// <param name="name">Such as "month"; also the parameter that gets the key.</param>
    /// <param name="from">A day of the first month.</param>
    /// <param name="to">The day after the last month; null: those that have ended when a run starts.</param>
    public TimePartition Month(string name, DateOnly from, DateOnly? to = null) => Time(name, PartitionKind.Month, from, to);

    /// <summary>By keys that are listed.</summary>
    /// <param name="name">Such as "airport"; also the parameter that gets the key.</param>
    /// <param name="keys">Each a name.</param>
    /// <returns>The key of a run, as a parameter.</returns>
    public Parameter<string> Static(string name, params string[] keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        _dimensions.Add(new PartitionDimension { Name = name, Kind = PartitionKind.Static, Keys = [.. keys] });
        return _pipeline.Parameter<string>(name);
    }

    /// <summary>Says that each partition is made of another pipeline's partition of the same key: made anew there, it is stale here.</summary>
    public Partitioning MadeOf(string pipeline)
    {
        NameRules.Require(pipeline, "pipeline");
        _upstream.Add(pipeline);
        return this;
    }

    internal PartitionSpec? Compile() => _dimensions.Count == 0 && _upstream.Count == 0 ? null : new PartitionSpec { Dimensions = [.. _dimensions], Upstream = [.. _upstream] };

    private TimePartition Time(string name, PartitionKind kind, DateOnly from, DateOnly? to)
    {
        _dimensions.Add(new PartitionDimension { Name = name, Kind = kind, From = from, To = to });
        return new TimePartition(_pipeline.Parameter<string>(name), _pipeline.Parameter<DateOnly>($"{name}-start"), _pipeline.Parameter<DateOnly>($"{name}-end"));
    }
}

/// <summary>The partition of time that a run is for.</summary>
public sealed class TimePartition
{
    internal TimePartition(Parameter<string> key, Parameter<DateOnly> start, Parameter<DateOnly> end) => (Key, Start, End) = (key, start, end);

    /// <summary>Its key, such as "2001-04"; of a run over a range "2001-01..2001-06".</summary>
    public Parameter<string> Key { get; }

    /// <summary>Its first day.</summary>
    public Parameter<DateOnly> Start { get; }

    /// <summary>The day after its last.</summary>
    public Parameter<DateOnly> End { get; }
}
