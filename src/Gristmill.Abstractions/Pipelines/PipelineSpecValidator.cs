namespace Gristmill;

/// <summary>Checks a pipeline spec as a whole: the server before it stores one, the SDK before it sends one.</summary>
public static class PipelineSpecValidator
{
    private const int MaxStages = 100_000;

    private static readonly string[] Operators = [">", ">=", "<", "<=", "==", "!="];

    /// <summary>Throws if anything is wrong.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Invalid"/>; the message names every problem, the detail "problems" has one a line.
    /// </exception>
    public static void ThrowIfInvalid(PipelineSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var problems = Validate(spec);
        if (problems.Count == 0)
        {
            return;
        }

        var shown = problems.Take(20).ToList();
        var more = problems.Count > shown.Count ? $"; and {problems.Count - shown.Count} more" : "";
        throw new GristmillException(
            ErrorCodes.Invalid,
            $"Pipeline '{spec.Name}' is not valid: {string.Join("; ", shown)}{more}.",
            "Correct the spec and register it again; nothing was changed.").With("problems", string.Join('\n', problems.Take(1000)));
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

        var all = spec.Stages.Select(static s => s.Name).ToHashSet(StringComparer.Ordinal);
        var earlier = new HashSet<string>(StringComparer.Ordinal);
        foreach (var stage in spec.Stages)
        {
            new StageCheck(stage, parameters, earlier, all, problems).Run();
            earlier.Add(stage.Name);
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
            else if (parameter.Default is { } value && ParameterValues.Problem(parameter.Type, value) is { } problem)
            {
                problems.Add($"parameter '{parameter.Name}': its default {problem}");
            }
        }

        return names;
    }

    private sealed class StageCheck(
        StageSpec stage, HashSet<string> parameters, HashSet<string> earlier, HashSet<string> all, List<string> problems)
    {
        public void Run()
        {
            if (!GristmillName.IsValid(stage.Name))
            {
                Add($"this is not a stage name ({GristmillName.Rule})");
            }

            if (earlier.Contains(stage.Name))
            {
                Add("another stage has this name");
            }

            if (stage.Operation is null || stage.Operation.IndexOf('.', StringComparison.Ordinal) is var dot && (dot <= 0 || dot == stage.Operation.Length - 1))
            {
                Add($"'{stage.Operation}' is not an operation; one is 'engine.verb', such as '{StageOperations.SqlQuery}'");
            }

            foreach (var (name, input) in stage.Inputs.OrderBy(static input => input.Key, StringComparer.Ordinal))
            {
                if (string.IsNullOrEmpty(name) || string.IsNullOrEmpty(input.Output))
                {
                    Add($"input '{name}' or its output name '{input.Output}' is empty");
                }

                Earlier(input.Stage, $"input '{name}'");
            }

            foreach (var after in stage.After.IsDefault ? [] : stage.After)
            {
                Earlier(after, "'after'");
            }

            Options();
            Condition();
            Limits();
        }

        private void Options()
        {
            try
            {
                foreach (var reference in OptionsTemplate.References(stage.Options ?? ""))
                {
                    if (reference.Parameter is { } name)
                    {
                        Parameter(name, "its options");
                    }
                    else
                    {
                        Earlier(reference.Stage!, "a value in its options");
                    }
                }
            }
            catch (FormatException e)
            {
                Add(e.Message);
            }
        }

        private void Condition()
        {
            if (stage.When is not { } when)
            {
                return;
            }

            Earlier(when.Stage ?? "", "its condition");
            if (string.IsNullOrEmpty(when.Metric))
            {
                Add("its condition names no metric");
            }

            if (!Operators.Contains(when.Operator))
            {
                Add($"its condition has the operator '{when.Operator}'; allowed are {string.Join(' ', Operators)}");
            }

            if (ConditionValue.Problem(when.Value) is { } problem)
            {
                Add($"its condition's value {problem}");
            }
            else if (ConditionValue.Parameter(when.Value) is { } name)
            {
                Parameter(name, "its condition");
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
            else if (!earlier.Contains(name))
            {
                Add(all.Contains(name)
                    ? $"{where} refers to stage '{name}', which comes later: a stage uses earlier ones only"
                    : $"{where} refers to stage '{name}', which does not exist");
            }
        }

        private void Add(string problem) => problems.Add($"stage '{stage.Name}': {problem}");
    }
}
