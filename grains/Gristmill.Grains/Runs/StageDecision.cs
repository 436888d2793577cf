using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>What becomes of a stage whose turn has come: it starts, is skipped, or cannot start.</summary>
internal readonly record struct StageDecision(StageStart? Start, string? SkipReason, ErrorInfo? Error)
{
    private const int MaxKeptMetrics = 256;

    /// <summary>Decides from the outcome of what the stage waited for; the same outcome always gives the same decision.</summary>
    public static StageDecision Of(StageSpec stage, ImmutableArray<string> needs, RunGraph graph, RunDefinition definition, CodeRef? code)
    {
        if (needs.FirstOrDefault(name => graph[name].Status == StageStatus.Skipped) is { } skipped)
        {
            return new StageDecision(null, $"stage '{skipped}', which it needs, was skipped", null);
        }

        try
        {
            if (stage.When is { } when)
            {
                var metric = Metric(stage.Name, graph[when.Stage], when.Metric);
                if (!ConditionValue.Holds(when, metric, definition.Parameters))
                {
                    return new StageDecision(null, $"its condition does not hold: {when.Stage}.{when.Metric} is {metric}, not {when.Operator} {when.Value}", null);
                }
            }

            return new StageDecision(
                new StageStart
                {
                    // Only what the stage itself goes by: name, operation, retries and limits.
                    Spec = stage with { When = null, After = [], Options = "{}", Inputs = ImmutableDictionary<string, OutputRef>.Empty },
                    Options = OptionsTemplate.Fill(stage.Options, definition.Parameters, (from, name) => Metric(stage.Name, graph[from], name)),
                    Inputs = Inputs(stage, graph),
                    Code = code,
                    TraceParent = definition.TraceParent,
                    NoCache = definition.Request.NoCache,
                },
                null,
                null);
        }
        catch (GristmillException e)
        {
            return new StageDecision(null, null, e.Error);
        }
    }

    private static ImmutableDictionary<string, Artifact> Inputs(StageSpec stage, RunGraph graph)
    {
        var inputs = stage.Inputs.ToImmutableDictionary(
            static input => input.Key, input => Output(stage.Name, graph[input.Value.Stage], input.Value.Output));
        if (stage.Operation != StageOperations.Register)
        {
            return inputs;
        }

        // A registered version keeps the numbers of the stages it came from and was judged by, without being told to.
        var sources = stage.Inputs.Values.Select(static input => input.Stage).Append(stage.When?.Stage).OfType<string>().Distinct(StringComparer.Ordinal);
        foreach (var source in sources)
        {
            var metrics = graph[source].Outputs.Values
                .SelectMany(static output => output.Metrics ?? ImmutableDictionary<string, double>.Empty)
                .OrderBy(static metric => metric.Key, StringComparer.Ordinal)
                .Take(MaxKeptMetrics)
                .DistinctBy(static metric => metric.Key)
                .ToImmutableDictionary();
            inputs = metrics.IsEmpty ? inputs : inputs.SetItem($"metrics:{source}", Artifact.Of(metrics));
        }

        return inputs;
    }

    private static Artifact Output(string stage, StageView from, string output) => from.Outputs.TryGetValue(output, out var artifact)
        ? artifact
        : throw new GristmillException(
            ErrorCodes.Invalid,
            $"Stage '{stage}' needs the output '{output}' of stage '{from.Name}', which has {Names(from.Outputs.Keys)}.",
            "Name one of its outputs.");

    private static double Metric(string stage, StageView from, string metric)
    {
        var metrics = from.Outputs.Values.Where(static o => o.Metrics is not null).Select(static o => o.Metrics!).ToList();
        foreach (var set in metrics)
        {
            if (set.TryGetValue(metric, out var value))
            {
                return value;
            }
        }

        throw new GristmillException(
            ErrorCodes.Invalid,
            $"Stage '{stage}' uses the metric '{metric}' of stage '{from.Name}', which has {Names(metrics.SelectMany(static m => m.Keys))}.",
            "Name one of its metrics.");
    }

    private static string Names(IEnumerable<string> names)
    {
        var sorted = names.Order(StringComparer.Ordinal).Take(21).ToList();
        return sorted.Count == 0 ? "none" : string.Join(", ", sorted.Take(20)) + (sorted.Count > 20 ? ", ..." : "");
    }
}
