using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>Settles names and writes the spec.</summary>
internal static class SpecCompiler
{
    public static PipelineSpec Compile(string name, string? description, IReadOnlyList<ParameterSpec> parameters, IReadOnlyList<StageNode> stages,
        FailurePolicy onFailure)
    {
        if (stages.Count == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Pipeline '{name}' has no stages.", "Add one, such as p.Read.Parquet(path).");
        }

        SettleNames(stages);
        var spec = new PipelineSpec
        {
            Name = name,
            Description = description,
            Parameters = [.. parameters],
            // What runs at the exit may take from all others: it comes last.
            Stages = [.. stages.OrderBy(static stage => stage.Settings.OnExit).Select(Write)],
            OnFailure = onFailure,
        };
        // The server's own check, so that nothing is sent that it would refuse.
        PipelineSpecValidator.ThrowIfInvalid(spec);
        return spec;
    }

    private static void SettleNames(IReadOnlyList<StageNode> stages)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var stage in stages.Where(s => s.GivenName is not null))
        {
            if (!taken.Add(stage.GivenName!))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"Two stages are named '{stage.GivenName}'.", "Give each stage its own name.");
            }

            stage.Name = stage.GivenName!;
        }

        foreach (var stage in stages.Where(s => s.GivenName is null))
        {
            var wish = stage.Prefix + (NameRules.Kebab(stage.Hint) ?? stage.FallbackName);
            stage.Name = wish;
            for (var n = 2; !taken.Add(stage.Name); n++)
            {
                stage.Name = $"{wish}-{n}";
            }
        }
    }

    private static StageSpec Write(StageNode node)
    {
        var options = node.Options();
        var inputs = node.Inputs.ToImmutableDictionary(
            i => i.Key, i => new OutputRef(i.Value.Node.Name, i.Value.Output) { Metric = node.InputMetrics.GetValueOrDefault(i.Key) });
        var after = node.After.Select(stage => stage.Name).Concat(ValuesOf(options)).Distinct()
            .Where(stage => inputs.Values.All(input => input.Stage != stage));
        return node.Settings with
        {
            Name = node.Name,
            Options = GristmillJson.CanonicalText(options.ToJsonString()),
            Inputs = inputs,
            After = [.. after],
            When = node.When?.Write(),
            Loop = node.Loop?.Name,
        };
    }

    /// <summary>The stages whose numbers the options use: they must have finished, though no data comes from them.</summary>
    private static IEnumerable<string> ValuesOf(JsonNode? node) => node switch
    {
        JsonObject { Count: 1 } reference when reference["$value"] is JsonObject value => [(string)value["stage"]!],
        JsonObject members => members.SelectMany(member => ValuesOf(member.Value)),
        JsonArray items => items.SelectMany(ValuesOf),
        _ => [],
    };
}
