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
            text.Append(CultureInfo.InvariantCulture, $"  --param {parameter.Name}  {parameter.Type.ToString().ToLowerInvariant()}, {(parameter.Default is { } value ? $"default {value}" : "required")}\n");
        }

        if (spec.Partitions is { } partitions)
        {
            text.Append("  --partition by ").AppendJoin(" and ", partitions.Dimensions.Select(static dimension => dimension.Name)).Append('\n');
        }

        foreach (var trigger in spec.Triggers ?? [])
        {
            text.Append("  trigger ").Append(trigger.Name).Append('\n');
        }

        for (var i = 0; i < spec.Stages.Length; i++)
        {
            var last = i == spec.Stages.Length - 1;
            Stage(text, spec.Stages[i], last ? "└─ " : "├─ ", last ? "   " : "│  ");
        }

        return text.ToString().TrimEnd();
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
            text.Append(indent).Append(CultureInfo.InvariantCulture, $"   when {when.Stage}.{when.Metric} {when.Operator} {when.Value}\n");
        }
    }
}
