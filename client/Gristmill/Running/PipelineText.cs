using System.Globalization;
using System.Text;

namespace Gristmill.Running;

/// <summary>A spec as people read it.</summary>
internal static class PipelineText
{
    private const int LongestOption = 100;

    public static string Explain(PipelineSpec spec)
    {
        var text = new StringBuilder();
        text.Append(spec.Name).Append("  version ").Append(PipelineVersion.Of(spec)).Append('\n');
        if (spec.Description is { } description)
        {
            text.Append(description).Append('\n');
        }

        foreach (var parameter in spec.Parameters)
        {
            text.Append(CultureInfo.InvariantCulture, $"  --param {parameter.Name}  {parameter.Type.ToString().ToLowerInvariant()}, {(parameter.Default is { } value ? $"default {value}" : "required")}{Range(parameter)}\n");
        }

        if (spec.Partitions is { } partitions)
        {
            text.Append("  --partition by ").AppendJoin(" and ", partitions.Dimensions.Select(static dimension => dimension.Name)).Append('\n');
        }

        foreach (var trigger in spec.Triggers ?? [])
        {
            text.Append("  trigger ").Append(trigger.Name).Append('\n');
        }

        if (spec.OnFailure == FailurePolicy.Continue)
        {
            text.Append("  a failure stops only what waits for it\n");
        }

        Stages(text, spec.Stages.ToLookup(static stage => stage.Loop), null, "");
        return text.ToString().TrimEnd();
    }

    private static string Range(ParameterSpec parameter)
    {
        var range = (parameter.Min, parameter.Max) switch
        {
            ({ } min, { } max) => $", {min} to {max}",
            ({ } min, _) => $", at least {min}",
            (_, { } max) => $", at most {max}",
            _ => "",
        };
        return range + (parameter.Choices is { } choices ? $", one of {choices}" : "") + (parameter.Description is { } description ? $": {description}" : "");
    }

    private static void Stages(StringBuilder text, ILookup<string?, StageSpec> stages, string? loop, string indent)
    {
        var here = stages[loop].ToList();
        for (var i = 0; i < here.Count; i++)
        {
            var last = i == here.Count - 1;
            Stage(text, here[i], indent + (last ? "└─ " : "├─ "), indent + (last ? "   " : "│  "));
            if (here[i].Operation == StageOperations.ForEach)
            {
                Stages(text, stages, here[i].Name, indent + (last ? "   " : "│  "));
            }
        }
    }

    private static void Stage(StringBuilder text, StageSpec stage, string branch, string indent)
    {
        text.Append(branch).Append(stage.Name).Append("  ").Append(stage.Operation).Append('\n');
        foreach (var (name, input) in stage.Inputs.OrderBy(i => i.Key, StringComparer.Ordinal))
        {
            var output = input.Output == "out" ? input.Stage : $"{input.Stage}.{input.Output}";
            text.Append(indent).Append("   ").Append(name).Append(" <- ").Append(output).Append('\n');
        }

        if (stage.Options != "{}")
        {
            var options = stage.Options.Length > LongestOption ? stage.Options[..LongestOption] + " ..." : stage.Options;
            text.Append(indent).Append("   ").Append(options).Append('\n');
        }

        if (!stage.After.IsEmpty)
        {
            text.Append(indent).Append("   after ").AppendJoin(", ", stage.After).Append('\n');
        }

        if (stage.When is { } when)
        {
            text.Append(indent).Append("   when ").Append(ConditionLogic.Text(when)).Append('\n');
        }

        if (stage.OnExit)
        {
            text.Append(indent).Append("   when the run is over, however it ended\n");
        }

        if (stage.IgnoreUpstreamFailure)
        {
            text.Append(indent).Append("   also if a stage before it failed\n");
        }

        if (stage.Resources is { } resources)
        {
            var wanted = resources.OrderBy(static r => r.Key, StringComparer.Ordinal).Select(static r => string.Create(CultureInfo.InvariantCulture, $"{r.Key} {r.Value / 1000.0:0.###}"));
            text.Append(indent).Append("   needs ").AppendJoin(", ", wanted).Append('\n');
        }
    }
}
