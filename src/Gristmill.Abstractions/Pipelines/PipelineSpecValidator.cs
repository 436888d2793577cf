using System.Globalization;
using System.Text.Json;

namespace Gristmill;

/// <summary>Checks a pipeline spec as a whole: the server before it stores one, the SDK before it sends one.</summary>
public static class PipelineSpecValidator
{
    private const int MaxStages = 100_000;

    /// <summary>Problems that the error's text names, and that its details name: of thousands that one mistake made, nobody reads more.</summary>
    private const int ShownInText = 20;
    private const int ShownInDetails = 100;

    /// <summary>Throws if anything is wrong.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="operations">Knows which operations there are and what options they take; null where that is not known.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Invalid"/>; the message names the first 20 problems and how many more there are, the detail "problems" has the first 100, one a line.
    /// </exception>
    public static void ThrowIfInvalid(PipelineSpec spec, IOperationCheck? operations = null)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var problems = Validate(spec);
        if (problems.Count == 0 && operations is not null)
        {
            problems = [.. from stage in spec.Stages let problem = operations.Problem(stage) where problem is not null select $"stage '{stage.Name}': {problem}"];
        }

        if (problems.Count == 0)
        {
            return;
        }

        var shown = problems.Take(ShownInText).ToList();
        var more = problems.Count > shown.Count ? $"; and {problems.Count - shown.Count} more" : "";
        throw new GristmillException(
            ErrorCodes.Invalid,
            $"Pipeline '{spec.Name}' is not valid: {string.Join("; ", shown)}{more}.",
            "Correct the spec and register it again; nothing was changed.").With("problems", string.Join('\n', problems.Take(ShownInDetails)));
    }

    /// <summary>Every problem, in the order of the spec; empty if it is valid.</summary>
    public static IReadOnlyList<string> Validate(PipelineSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var problems = new List<string>();
        if (!GristmillName.IsValid(spec.Name))
        {
            problems.Add($"'{spec.Name}' is not a pipeline name ({GristmillName.Rule})");
        }

        var parameters = Parameters(spec, problems);
        if (spec.Partitions is { } partitions)
        {
            problems.AddRange(PartitionKeys.Problems(partitions, spec.Parameters.IsDefault ? [] : spec.Parameters));
        }

        if (spec.Stages.IsDefaultOrEmpty)
        {
            problems.Add("it has no stages");
            return problems;
        }

        if (spec.Stages.Length > MaxStages)
        {
            problems.Add($"it has {spec.Stages.Length} stages; at most {MaxStages} are allowed");
            return problems;
        }

        if (spec.Stages.Any(static s => s?.Name is null || s.Inputs is null || s.Retry is null || s.Limits is null || s.Inputs.Values.Any(static i => i?.Stage is null)))
        {
            problems.Add("a stage, its name, inputs, retry or limits is null");
            return problems;
        }

        if (!Enum.IsDefined(spec.OnFailure))
        {
            problems.Add($"its failure policy {(int)spec.OnFailure} is unknown");
        }

        var all = spec.Stages.Select(static s => s.Name).ToHashSet(StringComparer.Ordinal);
        var earlier = new Dictionary<string, StageSpec>(StringComparer.Ordinal);
        foreach (var stage in spec.Stages)
        {
            new StageCheck(stage, parameters, earlier, all, problems).Run();
            earlier.TryAdd(stage.Name, stage);
        }

        return problems;
    }

    private static HashSet<string> Parameters(PipelineSpec spec, List<string> problems)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var parameter in spec.Parameters.IsDefault ? [] : spec.Parameters)
        {
            if (parameter?.Name is null)
            {
                problems.Add("a parameter or its name is null");
                continue;
            }

            if (!GristmillName.IsValid(parameter.Name))
            {
                problems.Add($"'{parameter.Name}' is not a parameter name ({GristmillName.Rule})");
            }

            if (!names.Add(parameter.Name))
            {
                problems.Add($"parameter '{parameter.Name}' is defined twice");
            }

            if (!Enum.IsDefined(parameter.Type))
            {
                problems.Add($"parameter '{parameter.Name}' has the unknown type {(int)parameter.Type}");
            }
            else if (ParameterRange.DefinitionProblem(parameter) is { } range)
            {
                problems.Add($"parameter '{parameter.Name}': {range}");
            }
            else if (parameter.Default is { } value && ParameterValues.Problem(parameter, value) is { } problem)
            {
                problems.Add($"parameter '{parameter.Name}': its default {problem}");
            }
        }

        return names;
    }

    private sealed class StageCheck(
        StageSpec stage, HashSet<string> parameters, Dictionary<string, StageSpec> earlier, HashSet<string> all, List<string> problems)
    {
        private const int MaxNesting = 8;

        /// <summary>The loops it is in, the outermost first.</summary>
        private readonly List<string> _loops = [];

        public void Run()
        {
            if (!GristmillName.IsValid(stage.Name))
            {
                Add($"this is not a stage name ({GristmillName.Rule})");
            }

            if (earlier.ContainsKey(stage.Name))
            {
                Add("another stage has this name");
            }

            if (stage.Operation is null || stage.Operation.IndexOf('.', StringComparison.Ordinal) is var dot && (dot <= 0 || dot == stage.Operation.Length - 1))
            {
                Add($"'{stage.Operation}' is not an operation; one is 'engine.verb', such as '{StageOperations.SqlQuery}'");
            }

            Loops();
            foreach (var (name, input) in stage.Inputs.OrderBy(static input => input.Key, StringComparer.Ordinal))
            {
                if (string.IsNullOrEmpty(name) || string.IsNullOrEmpty(input.Output))
                {
                    Add($"input '{name}' or its output name '{input.Output}' is empty");
                }

                Earlier(input.Stage, $"input '{name}'");
                Collected(name, input);
            }

            foreach (var after in stage.After.IsDefault ? [] : stage.After)
            {
                Earlier(after, "'after'");
            }

            Options();
            Condition();
            Limits();
        }

        private void Loops()
        {
            for (var loop = stage.Loop; loop is not null && _loops.Count <= MaxNesting; loop = earlier.GetValueOrDefault(loop)?.Loop)
            {
                if (!earlier.TryGetValue(loop, out var found) || found.Operation != StageOperations.ForEach)
                {
                    Add($"its loop '{loop}' is no earlier stage of operation '{StageOperations.ForEach}'");
                    return;
                }

                _loops.Insert(0, loop);
            }

            if (_loops.Count > MaxNesting)
            {
                Add($"it is in more than {MaxNesting} loops");
            }

            if (stage.OnExit && stage.Loop is not null)
            {
                Add("it runs at the run's exit and so cannot be in a loop");
            }

            if (stage.Operation == StageOperations.ForEach && LoopOptions.Problem(stage.Options) is { } problem)
            {
                Add(problem);
            }

            if (stage.Operation == StageOperations.OneOf)
            {
                for (var i = 0; i < stage.Inputs.Count; i++)
                {
                    if (!stage.Inputs.ContainsKey(i.ToString(CultureInfo.InvariantCulture)))
                    {
                        Add($"it joins {stage.Inputs.Count} branches, and its inputs are not called 0 to {stage.Inputs.Count - 1}");
                        break;
                    }
                }

                if (stage.Inputs.Count == 0)
                {
                    Add("it joins no branches");
                }
            }
        }

        /// <summary>What comes out of a loop is a collection, which not every operation takes.</summary>
        private void Collected(string input, OutputRef output)
        {
            if (IsCollected(output.Stage))
            {
                if (stage.Operation is not (StageOperations.Code or StageOperations.SqlQuery))
                {
                    Add($"input '{input}' takes stage '{output.Stage}' of loop '{earlier[output.Stage].Loop}' for every item, which {stage.Operation} cannot: a stage of one's own code, or a query, can");
                }
            }
            else if (output.Metric is not null)
            {
                Add($"input '{input}' takes the metric '{output.Metric}' of a stage that is in no loop: use {{\"$value\":..}} in the options");
            }
        }

        private bool IsCollected(string other) => earlier.GetValueOrDefault(other)?.Loop is { } loop && !_loops.Contains(loop);

        private void Options()
        {
            try
            {
                Check(OptionsTemplate.References(stage.Options ?? ""), "its options");
            }
            catch (FormatException e)
            {
                Add(e.Message);
            }
        }

        private void Check(IEnumerable<OptionsReference> references, string where)
        {
            foreach (var reference in references)
            {
                if (reference.Parameter is { } name)
                {
                    Parameter(name, where);
                }
                else if (reference.Loop is { } loop)
                {
                    if (!_loops.Contains(loop))
                    {
                        Add($"{where} use an item of loop '{loop}', which the stage is not in");
                    }
                }
                else if (reference.Secret is { } secret)
                {
                    if (!GristmillName.IsValid(secret))
                    {
                        Add($"{where} name the secret '{secret}': {GristmillName.Rule}");
                    }
                    else if (stage.Operation != StageOperations.Code)
                    {
                        Add($"{where} name the secret '{secret}', which only stages of one's own code can be given");
                    }
                }
                else if (reference.Stage is { } from)
                {
                    Earlier(from, where == "its options" ? "a value in its options" : where);
                    if (IsCollected(from))
                    {
                        Add($"{where} use a value of stage '{from}' of loop '{earlier[from].Loop}', which has one for each item: take them as an input");
                    }
                }
            }
        }

        private void Condition()
        {
            if (stage.When is not { } when)
            {
                return;
            }

            if (ConditionLogic.Parts(when).Take(ConditionLogic.MaxParts + 1).Count() > ConditionLogic.MaxParts)
            {
                Add($"its condition has more than {ConditionLogic.MaxParts} parts");
                return;
            }

            try
            {
                foreach (var part in ConditionLogic.Parts(when))
                {
                    Part(part);
                }

                Check(ConditionLogic.References(when), "its condition");
            }
            catch (Exception e) when (e is FormatException or JsonException)
            {
                Add($"its condition: {e.Message}");
            }
        }

        private void Part(ConditionSpec part)
        {
            var compares = part.Stage is not null || part.Metric is not null || part.Left is not null || part.Operator is not null || part.Value is not null;
            var kinds = (compares ? 1 : 0) + (part.All is null ? 0 : 1) + (part.Any is null ? 0 : 1) + (part.Not is null ? 0 : 1);
            if (kinds != 1 || part.All is { IsDefaultOrEmpty: true } || part.Any is { IsDefaultOrEmpty: true })
            {
                Add("a part of its condition is not one of: a comparison, all of several, any of several, not another");
                return;
            }

            if (!compares)
            {
                return;
            }

            if (part.Stage is null == part.Left is null)
            {
                Add("its condition compares neither a stage's metric nor something else, or both");
            }

            if (part.Left is null && string.IsNullOrEmpty(part.Metric))
            {
                Add("its condition names no metric");
            }

            if (part.Operator is null || !ConditionLogic.Operators.Contains(part.Operator))
            {
                Add($"its condition has the operator '{part.Operator}'; allowed are {string.Join(' ', ConditionLogic.Operators)}");
            }

            foreach (var side in new[] { part.Left, part.Value })
            {
                if (side is not null && OptionsTemplate.Reference(side) is null && ConditionOperand.TryOf(JsonElement.Parse(side)) is null)
                {
                    Add($"its condition compares {side}, which is neither text, a number, true, false nor a placeholder");
                }
            }

            if (part.Value is null)
            {
                Add("its condition compares with nothing");
            }
        }

        private void Limits()
        {
            if (stage.Retry.MaxAttempts is < 1 or > 100)
            {
                Add($"retry allows {stage.Retry.MaxAttempts} attempts; 1 to 100 are possible");
            }

            if (stage.Retry.Backoff < TimeSpan.Zero || stage.Retry.Backoff > TimeSpan.FromDays(1))
            {
                Add($"retry waits {stage.Retry.Backoff}; 0 to 1 day are possible");
            }

            if (stage.Retry.Factor is { } factor && factor is not (>= 1 and <= 100))
            {
                Add($"retry multiplies its wait by {factor}; 1 to 100 are possible");
            }

            if (stage.Retry.MaxBackoff is { } longest && (longest < stage.Retry.Backoff || longest > TimeSpan.FromDays(1)))
            {
                Add($"retry waits {longest} at most; from its first wait, {stage.Retry.Backoff}, to 1 day are possible");
            }

            if (stage.Retry.Jitter is { } jitter && jitter is not (>= 0 and <= 1))
            {
                Add($"retry has a jitter of {jitter}; 0 to 1 are possible");
            }

            if (stage.Retry.On is { } on && (on.IsDefaultOrEmpty || on.Length > 50 || on.Any(static name => string.IsNullOrWhiteSpace(name) || name.Length > 500)))
            {
                Add("retry is on no errors, on more than 50, or on one without a name");
            }

            if (stage.Resources is { } resources && (resources.Count > 20 || resources.Any(static r => !GristmillName.IsValid(r.Key) || r.Value < 0)))
            {
                Add($"resources are {string.Join(", ", resources.Take(20).Select(static r => $"{r.Key}={r.Value}"))}; at most 20 names, none negative, are possible");
            }

            if (stage.Limits.Threads < 0 || stage.Limits.MemoryMiB < 0)
            {
                Add($"limits of {stage.Limits.Threads} threads and {stage.Limits.MemoryMiB} MiB; neither can be negative");
            }

            if (stage.Limits.Timeout is { } timeout && (timeout <= TimeSpan.Zero || timeout > TimeSpan.FromDays(40)))
            {
                Add($"a timeout of {timeout}; it must be above 0 and at most 40 days");
            }

            if (stage.Limits.HeartbeatTimeout is { } silence && (silence < TimeSpan.FromMilliseconds(200) || silence > TimeSpan.FromDays(1)))
            {
                Add($"a heartbeat timeout of {silence}; it must be 0.2 s to 1 day");
            }

            if (stage.Cache is { } cache && (!Enum.IsDefined(cache.Policy) || cache.MaxStaleness <= TimeSpan.Zero))
            {
                Add($"a cache policy {cache.Policy} with a staleness of {cache.MaxStaleness}; a staleness is above 0");
            }
        }

        private void Parameter(string name, string where)
        {
            if (!parameters.Contains(name))
            {
                Add($"{where} names the parameter '{name}', which the pipeline does not have");
            }
        }

        private void Earlier(string name, string where)
        {
            if (name == stage.Name)
            {
                Add($"{where} refers to the stage itself");
            }
            else if (_loops.Contains(name))
            {
                Add($"{where} refers to '{name}', the loop it is in");
            }
            else if (earlier.TryGetValue(name, out var found))
            {
                if (found.OnExit && !stage.OnExit)
                {
                    Add($"{where} refers to stage '{name}', which runs when all others are over");
                }
            }
            else
            {
                Add(all.Contains(name)
                    ? $"{where} refers to stage '{name}', which comes later: a stage uses earlier ones only"
                    : $"{where} refers to stage '{name}', which does not exist");
            }
        }

        private void Add(string problem) => problems.Add($"stage '{stage.Name}': {problem}");
    }
}
