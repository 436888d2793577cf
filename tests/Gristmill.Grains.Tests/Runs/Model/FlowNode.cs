using System.Collections.Immutable;
using System.Globalization;

namespace Gristmill.Grains.Runs.Model;

/// <summary>A stage, join or loop of a random pipeline.</summary>
internal sealed class FlowNode
{
    public required string Name { get; init; }

    public string Operation { get; init; } = StageOperations.NoOp;

    /// <summary>The loops it is in, the outermost first.</summary>
    public ImmutableArray<FlowNode> Loops { get; init; } = [];

    public List<FlowNode> Inputs { get; } = [];

    public List<FlowNode> After { get; } = [];

    public FlowCondition? When { get; init; }

    public bool Ignores { get; init; }

    public bool AtExit { get; init; }

    public FlowPolicy Policy { get; init; } = new(1, 0, false, null);

    /// <summary>Of a loop: items, or the stage that returns the list of them.</summary>
    public int Items { get; init; }

    public FlowNode? List { get; init; }

    public double Allow { get; init; }

    public int Parallelism { get; init; }

    public List<FlowNode> Body { get; } = [];

    public bool IsLoop => Operation == StageOperations.ForEach;

    public IEnumerable<FlowNode> Dependencies =>
        Inputs.Concat(List is null ? [] : [List]).Concat(When?.Asked ?? []).Concat(After).Distinct();

    private string LoopOptions()
    {
        var items = List is null
            ? $"[{string.Join(',', Enumerable.Range(0, Items))}]"
            : "{\"$value\":{\"stage\":\"" + List.Name + "\",\"output\":\"list\"}}";
        return string.Create(CultureInfo.InvariantCulture, $$"""{"items":{{items}},"allowFailures":{{Allow}},"parallelism":{{Parallelism}}}""");
    }

    public StageSpec ToSpec() => new()
    {
        Name = Name,
        Operation = Operation,
        Loop = Loops.LastOrDefault()?.Name,
        Options = IsLoop ? LoopOptions() : "{}",
        Inputs = Inputs.Index().ToImmutableDictionary(
            input => Operation == StageOperations.OneOf ? $"{input.Index}" : $"i{input.Index}", static input => new OutputRef(input.Item.Name)),
        After = [.. After.Select(static after => after.Name)],
        When = When?.ToSpec(),
        IgnoreUpstreamFailure = Ignores,
        OnExit = AtExit,
        Retry = Policy.ToSpec(),
    };
}

/// <summary>How a stage is retried.</summary>
/// <param name="Limit">Attempts that it has, where no silo is killed.</param>
/// <param name="Spare">Attempts that it has besides, for those that a killed silo takes with it.</param>
/// <param name="RetriesErrors">Whether errors of its own are retried.</param>
/// <param name="On">The code or type of errors that are, or null.</param>
internal sealed record FlowPolicy(int Limit, int Spare, bool RetriesErrors, string? On)
{
    public RetryPolicy ToSpec() => new()
    {
        MaxAttempts = Limit + Spare,
        RetryErrors = RetriesErrors,
        On = On is null ? null : [On],
        Backoff = TimeSpan.FromMilliseconds(1),
        MaxBackoff = TimeSpan.FromMilliseconds(2),
    };
}

/// <summary>A random condition on what stages measure.</summary>
internal sealed record FlowCondition(FlowNode? Node, int Limit, FlowCondition? Left, FlowCondition? Right, string Kind)
{
    public IEnumerable<FlowNode> Asked => Node is not null ? [Node] : Left!.Asked.Concat(Right?.Asked ?? []);

    public ConditionSpec ToSpec() => Kind switch
    {
        "not" => new ConditionSpec { Not = Left!.ToSpec() },
        "all" => new ConditionSpec { All = [Left!.ToSpec(), Right!.ToSpec()] },
        "any" => new ConditionSpec { Any = [Left!.ToSpec(), Right!.ToSpec()] },
        _ => new ConditionSpec(Node!.Name, "v", ">=", Limit.ToString(CultureInfo.InvariantCulture)),
    };

    /// <summary>Null where a stage that it asks did not succeed and nothing else decides.</summary>
    public bool? Holds(Func<FlowNode, int?> measured) => Kind switch
    {
        "not" => !Left!.Holds(measured),
        "all" => Left!.Holds(measured) & Right!.Holds(measured),
        "any" => Left!.Holds(measured) | Right!.Holds(measured),
        _ => measured(Node!) is { } v ? v >= Limit : null,
    };
}
