using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill.Grains.Runs;

/// <summary>What becomes of a stage whose turn has come: exactly one of these is set.</summary>
internal readonly record struct StageDecision
{
    private const int MaxKeptMetrics = 256;

    /// <summary>It starts.</summary>
    public StageStart? Start { get; private init; }

    /// <summary>It is skipped, and why.</summary>
    public string? SkipReason { get; private init; }

    /// <summary>It will not run because others did not succeed, and why.</summary>
    public string? CancelReason { get; private init; }

    /// <summary>It cannot start.</summary>
    public ErrorInfo? Error { get; private init; }

    /// <summary>It has these outputs without being executed.</summary>
    public ImmutableDictionary<string, Artifact>? Outputs { get; private init; }

    /// <summary>It is a loop over these items, a JSON array.</summary>
    public string? Items { get; private init; }

    /// <summary>It is a loop over this list, which its stage has to be asked for.</summary>
    public ValueRef? List { get; private init; }

    /// <summary>A loop over a list.</summary>
    /// <param name="items">The list as JSON.</param>
    public static StageDecision Over(string items) => new() { Items = items };

    /// <summary>Decides from the outcome of what the stage waited for; the same outcome always gives the same decision.</summary>
    /// <param name="node">The stage's node.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="definition">The run.</param>
    /// <param name="code">The user's assemblies.</param>
    /// <param name="stopping">Why nothing more is to start, or null.</param>
    /// <param name="exit">How the run ended, once it has.</param>
    /// <param name="ended">How nodes stand that stand otherwise than the graph knows yet; null: none.</param>
    public static StageDecision Of(
        int node, RunGraph graph, RunDefinition definition, CodeRef? code, string? stopping, ExitStatus? exit, Func<int, StageView?>? ended = null)
    {
        var spec = graph.Template(node).Spec;
        var scope = new Scope(node, graph, definition, ended);
        try
        {
            if (spec.Operation == StageOperations.OneOf)
            {
                return stopping is null ? Join(spec, scope) : new StageDecision { CancelReason = stopping };
            }

            if (Upstream(spec, scope, stopping) is { } decided)
            {
                return decided;
            }

            if (spec.When is { } when && ConditionLogic.Evaluate(when, scope.Operand) is { Holds: not true } result)
            {
                return new StageDecision { SkipReason = result.Holds is null ? $"its condition is unknown: {result.Why}" : $"its condition does not hold: {result.Why}" };
            }

            return spec.Operation == StageOperations.ForEach
                ? Loop(spec, scope)
                : new StageDecision
                {
                    Start = new StageStart
                    {
                        // Only what the stage itself goes by: name, operation, retries and limits.
                        Spec = spec with { When = null, After = [], Options = "{}", Inputs = ImmutableDictionary<string, OutputRef>.Empty },
                        Options = OptionsTemplate.Fill(spec.Options, scope.TryFill),
                        Inputs = Inputs(spec, scope),
                        Code = code,
                        TraceParent = definition.TraceParent,
                        NoCache = definition.Request.NoCache,
                        Exit = spec.OnExit ? exit : null,
                    },
                };
        }
        catch (GristmillException e)
        {
            return new StageDecision { Error = e.Error };
        }
    }

    /// <summary>What the stages it waited for mean for it, or null if it may go on.</summary>
    private static StageDecision? Upstream(StageSpec spec, Scope scope, string? stopping)
    {
        if (spec.OnExit)
        {
            return null;
        }

        var graph = scope.Graph;
        if (graph.DoomedLoop(scope.Node) is { } doomed)
        {
            return new StageDecision { CancelReason = $"more items of loop '{doomed}' failed than may" };
        }

        var dependencies = graph.Template(scope.Node).Dependencies;
        if (!spec.IgnoreUpstreamFailure)
        {
            if (stopping is not null)
            {
                return new StageDecision { CancelReason = stopping };
            }

            foreach (var view in dependencies.All.Select(scope.View))
            {
                if (view.Status is StageStatus.Failed or StageStatus.Cancelled)
                {
                    return new StageDecision { CancelReason = $"stage '{view.Name}', which it waits for, {(view.Status == StageStatus.Failed ? "failed" : "was cancelled")}" };
                }
            }
        }

        return dependencies.Needs.Select(scope.View).FirstOrDefault(static view => view.Status == StageStatus.Skipped) is { } skipped
            ? new StageDecision { SkipReason = $"stage '{skipped.Name}', which it needs, was skipped" }
            : null;
    }

    private static StageDecision Join(StageSpec spec, Scope scope)
    {
        for (var i = 0; i < spec.Inputs.Count; i++)
        {
            var branch = spec.Inputs[i.ToString(System.Globalization.CultureInfo.InvariantCulture)];
            var view = scope.View(branch.Stage);
            if (view.Status == StageStatus.Skipped || (spec.IgnoreUpstreamFailure && view.Status != StageStatus.Succeeded))
            {
                continue;
            }

            if (view.Status != StageStatus.Succeeded)
            {
                return new StageDecision { CancelReason = $"stage '{view.Name}', which it waits for, {(view.Status == StageStatus.Failed ? "failed" : "was cancelled")}" };
            }

            // What the branch measured can be asked of the join, too.
            var joined = Output(scope, view, branch.Output);
            return new StageDecision { Outputs = view.Outputs.SetItem(joined.Kind == ArtifactKind.Metrics ? "metrics" : "out", joined) };
        }

        return new StageDecision { SkipReason = "all the branches that it joins were skipped" };
    }

    private static StageDecision Loop(StageSpec spec, Scope scope)
    {
        var items = LoopOptions.Parse(spec.Options).Items;
        if (items.ValueKind == JsonValueKind.Array || OptionsTemplate.Reference(items.GetRawText()) is not { } reference)
        {
            return new StageDecision { Items = items.GetRawText() };
        }

        if (reference.Stage is not null)
        {
            var value = scope.Value(reference) ?? throw new GristmillException(
                ErrorCodes.Invalid, $"Loop '{spec.Name}' is over what stage '{reference.Stage}' returned, which did not succeed.");
            return value.Json is null ? new StageDecision { List = value } : new StageDecision { Items = value.Json };
        }

        return scope.TryFill(reference, out var literal)
            ? new StageDecision { Items = literal?.ToJsonString() ?? "null" }
            : throw new GristmillException(ErrorCodes.Invalid, $"Loop '{spec.Name}' has no list.");
    }

    private static ImmutableDictionary<string, Artifact> Inputs(StageSpec spec, Scope scope)
    {
        var inputs = ImmutableDictionary.CreateBuilder<string, Artifact>(StringComparer.Ordinal);
        foreach (var (name, input) in spec.Inputs)
        {
            var view = scope.View(input.Stage);
            if (scope.Graph.IsCollected(scope.Node, input.Stage, out var within))
            {
                // Of a loop that failed, what it has is better than nothing for whoever asked for it in spite of that.
                inputs[name] = Artifact.Of(new CollectionRef { Stage = input.Stage, Output = input.Output, Metric = input.Metric, Within = within });
            }
            else if (view.Status == StageStatus.Succeeded)
            {
                inputs[name] = Output(scope, view, input.Output);
            }
        }

        if (spec.Operation == StageOperations.Register)
        {
            AddMetrics(inputs, spec, scope);
        }

        return inputs.ToImmutable();
    }

    /// <summary>A registered version keeps the numbers of the stages it came from and was judged by, without being told to.</summary>
    private static void AddMetrics(ImmutableDictionary<string, Artifact>.Builder inputs, StageSpec spec, Scope scope)
    {
        var judges = spec.When is { } when ? ConditionLogic.References(when).Select(static reference => reference.Stage) : [];
        foreach (var source in spec.Inputs.Values.Select(static input => input.Stage).Concat(judges).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            var metrics = scope.View(source).Outputs.Values
                .SelectMany(static output => output.Metrics ?? ImmutableDictionary<string, double>.Empty)
                .OrderBy(static metric => metric.Key, StringComparer.Ordinal)
                .Take(MaxKeptMetrics)
                .DistinctBy(static metric => metric.Key)
                .ToImmutableDictionary();
            if (!metrics.IsEmpty)
            {
                inputs[$"metrics:{source}"] = Artifact.Of(metrics);
            }
        }
    }

    private static Artifact Output(Scope scope, StageView from, string output)
    {
        if (!from.Outputs.TryGetValue(output, out var artifact))
        {
            throw new GristmillException(
                ErrorCodes.Invalid,
                $"Stage '{scope.Name}' needs the output '{output}' of stage '{from.Name}', which has {Scope.Names(from.Outputs.Keys)}.",
                "Name one of its outputs.");
        }

        return artifact;
    }

    /// <summary>What the placeholders of one node stand for.</summary>
    private sealed class Scope(int node, RunGraph graph, RunDefinition definition, Func<int, StageView?>? ended)
    {
        public int Node => node;

        public RunGraph Graph => graph;

        public string Name => graph.Views[node].Name;

        public StageView View(string stage) => graph.Resolve(node, stage) is var i && ended?.Invoke(i) is { } known ? known : graph.Views[i];

        /// <summary>Fills in a placeholder; secrets stay, and what a failed stage would have given is null.</summary>
        public bool TryFill(OptionsReference reference, out JsonNode? literal)
        {
            literal = reference switch
            {
                { Parameter: { } name } => OptionsTemplate.Literal(name, definition.Parameters),
                { Loop: { } loop } => Item(reference, loop),
                { Metric: not null } => Metric(reference) is { } metric ? OptionsTemplate.Number(reference, metric) : null,
                { Stage: not null } => Value(reference) is { } value ? Inline(reference, value) : null,
                _ => null,
            };
            return reference.Secret is null;
        }

        /// <summary>What a condition compares; null where the stage that has it did not succeed.</summary>
        public ConditionOperand? Operand(OptionsReference reference)
        {
            if (reference.Metric is not null)
            {
                return Metric(reference) is { } metric ? ConditionOperand.Of(metric) : null;
            }

            if (reference.Stage is not null && Value(reference) is null)
            {
                return null;
            }

            TryFill(reference, out var literal);
            return ConditionOperand.Of(JsonSerializer.SerializeToElement(literal));
        }

        public ValueRef? Value(OptionsReference reference)
        {
            var view = View(reference.Stage!);
            if (view.Status != StageStatus.Succeeded)
            {
                return null;
            }

            return Output(this, view, reference.Output!) is { Value: { } value }
                ? value
                : throw new GristmillException(ErrorCodes.Invalid,
                    $"Stage '{Name}' uses the output '{reference.Output}' of stage '{view.Name}' as a value, which it is not.", "Return text, a number, a list or a record.");
        }

        public static string Names(IEnumerable<string> names)
        {
            var sorted = names.Order(StringComparer.Ordinal).Take(21).ToList();
            return sorted.Count == 0 ? "none" : string.Join(", ", sorted.Take(20)) + (sorted.Count > 20 ? ", ..." : "");
        }

        private JsonNode? Inline(OptionsReference reference, ValueRef value) => value.Json is { } json
            ? JsonNode.Parse(json)
            : throw new GristmillException(ErrorCodes.BadValue,
                $"Stage '{Name}' uses the output '{reference.Output}' of stage '{reference.Stage}' in its options or condition, a value of {value.Bytes:N0} bytes; {ValueRef.InlineBytes:N0} are the most there.",
                "Take it as an input.");

        private JsonNode? Item(OptionsReference reference, string loop)
        {
            var (index, json) = graph.ItemOf(node, loop);
            if (reference.IsIndex)
            {
                return JsonValue.Create(index);
            }

            var item = JsonNode.Parse(json);
            foreach (var member in reference.Path?.Split('.') ?? [])
            {
                item = item is JsonObject record && record.TryGetPropertyValue(member, out var value)
                    ? value
                    : throw new GristmillException(ErrorCodes.Invalid,
                        $"Stage '{Name}' uses '{reference.Path}' of the items of loop '{loop}', and item {index} has none.", "Name a member that every item has.");
            }

            return item?.DeepClone();
        }

        private double? Metric(OptionsReference reference)
        {
            var view = View(reference.Stage!);
            if (view.Status != StageStatus.Succeeded)
            {
                return null;
            }

            var metrics = view.Outputs.Values.Where(static o => o.Metrics is not null).Select(static o => o.Metrics!).ToList();
            foreach (var set in metrics)
            {
                if (set.TryGetValue(reference.Metric!, out var value))
                {
                    return value;
                }
            }

            throw new GristmillException(
                ErrorCodes.Invalid,
                $"Stage '{Name}' uses the metric '{reference.Metric}' of stage '{view.Name}', which has {Names(metrics.SelectMany(static m => m.Keys))}.",
                "Name one of its metrics.");
        }
    }
}
