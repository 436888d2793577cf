using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>The stages of another pipeline within this one.</summary>
public sealed class IncludedPipeline
{
    private readonly Dictionary<string, StageNode> _nodes = new(StringComparer.Ordinal);
    private readonly PipelineBuilder _pipeline;
    private readonly PipelineSpec _spec;
    private readonly IncludeSettings _settings;

    private IncludedPipeline(PipelineBuilder pipeline, PipelineSpec spec, IncludeSettings settings)
    {
        _pipeline = pipeline;
        _spec = spec;
        _settings = settings;
    }

    /// <summary>A table that one of its stages makes.</summary>
    /// <param name="stage">The stage's name there.</param>
    /// <param name="output">The output's name.</param>
    public Table Table(string stage, string output = "out") => new(Node(stage), output);

    /// <summary>A model that one of its stages makes.</summary>
    /// <inheritdoc cref="Table"/>
    public Model Model(string stage, string output = "out") => new(Node(stage), output);

    /// <summary>What one of its stages measures.</summary>
    /// <inheritdoc cref="Table"/>
    public MetricSet Metrics(string stage, string output = "metrics") => new(Node(stage), output);

    /// <summary>A value that one of its stages returns. A number is among what it measures: <c>Metrics("count")["value"]</c>.</summary>
    /// <inheritdoc cref="Table"/>
    public StageValue Value(string stage, string output = "out") => new(Node(stage), output);

    /// <summary>A file that one of its stages makes.</summary>
    /// <inheritdoc cref="Table"/>
    public StageFile File(string stage, string output = "out") => new(Node(stage), output);

    internal static IncludedPipeline Add(PipelineBuilder pipeline, PipelineSpec spec, string prefix, IncludeSettings settings)
    {
        var included = new IncludedPipeline(pipeline, spec, settings);
        foreach (var unknown in settings.Parameters.Keys.Where(name => spec.Parameters.All(p => p.Name != name)))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The included pipeline '{spec.Name}' has no parameter '{unknown}'.",
                $"It has: {string.Join(", ", spec.Parameters.Select(static p => p.Name))}.");
        }

        foreach (var unknown in settings.Replacements.Keys.Where(output => spec.Stages.All(s => s.Name != output.Stage)))
        {
            throw included.Unknown(unknown.Stage);
        }

        var left = spec.Stages.Where(included.IsReplaced).Select(static stage => stage.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var stage in spec.Stages.Where(stage => !left.Contains(stage.Name)))
        {
            included.Add(stage, prefix);
        }

        return included;
    }

    /// <summary>A stage goes if it was replaced and nothing but what was replaced used it.</summary>
    private bool IsReplaced(StageSpec stage) =>
        _settings.Replacements.Keys.Any(output => output.Stage == stage.Name)
        && _spec.Stages.All(user => user.Inputs.Values.All(input => input.Stage != stage.Name || _settings.Replacements.ContainsKey(input with { Metric = null })))
        && _spec.Stages.All(user => user.Name == stage.Name || !StageDependencies.Of(user with { Inputs = ImmutableDictionary<string, OutputRef>.Empty }).All.Contains(stage.Name));

    private void Add(StageSpec stage, string prefix)
    {
        if (stage.Loop is { } loop)
        {
            _pipeline.InLoop(_nodes[loop], () => AddNode(stage, prefix));
        }
        else
        {
            AddNode(stage, prefix);
        }
    }

    private void AddNode(StageSpec stage, string prefix)
    {
        var node = new StageNode(_pipeline, stage.Operation, stage.Name)
        {
            Options = () => JsonNode.Parse(OptionsTemplate.Fill(stage.Options, Rename))!.AsObject(),
            SingleOutput = false,
            GivenName = _pipeline.Prefix + prefix + "." + stage.Name,
            Settings = stage,
        };
        foreach (var (name, input) in stage.Inputs.OrderBy(static input => input.Key, StringComparer.Ordinal))
        {
            _pipeline.Connect(node, name, _settings.Replacements.TryGetValue(input with { Metric = null }, out var by) ? by : new Part(Node(input.Stage), input.Output));
            if (input.Metric is { } metric)
            {
                node.InputMetrics[name] = metric;
            }
        }

        foreach (var after in stage.After.Where(_nodes.ContainsKey))
        {
            node.After.Add(_nodes[after]);
        }

        foreach (var source in OptionsTemplate.References(stage.Options).Where(static r => r.Parameter is not null)
            .Select(reference => _settings.Parameters.GetValueOrDefault(reference.Parameter!).Source).OfType<StageNode>())
        {
            _pipeline.Need(node, source);
        }

        if (stage.When is { } when)
        {
            var asked = ConditionLogic.References(when).Select(static r => r.Stage).OfType<string>().Distinct(StringComparer.Ordinal).Select(Node);
            _pipeline.SetCondition(node, Condition.Of(() => Rename(when), asked));
        }

        _nodes.Add(stage.Name, _pipeline.Add(node));
    }

    /// <summary>Parameters become what they were set to; names of stages and loops become those they have here.</summary>
    private bool Rename(OptionsReference reference, out JsonNode? literal)
    {
        literal = reference switch
        {
            { Parameter: { } name } => Parameter(name),
            { Stage: { } stage, Metric: { } metric } => new JsonObject { ["$value"] = new JsonObject { ["stage"] = Node(stage).Name, ["metric"] = metric } },
            { Stage: { } stage } => new JsonObject { ["$value"] = new JsonObject { ["stage"] = Node(stage).Name, ["output"] = reference.Output } },
            { Loop: { } loop, IsIndex: true } => new JsonObject { ["$index"] = Node(loop).Name },
            { Loop: { } loop, Path: { } path } => new JsonObject { ["$item"] = new JsonObject { ["loop"] = Node(loop).Name, ["path"] = path } },
            { Loop: { } loop } => new JsonObject { ["$item"] = Node(loop).Name },
            _ => null,
        };
        return reference.Secret is null;
    }

    private ConditionSpec Rename(ConditionSpec condition) => condition with
    {
        Stage = condition.Stage is { } stage ? Node(stage).Name : null,
        Left = Rename(condition.Left),
        Value = Rename(condition.Value),
        All = condition.All is { } all ? [.. all.Select(Rename)] : null,
        Any = condition.Any is { } any ? [.. any.Select(Rename)] : null,
        Not = condition.Not is { } not ? Rename(not) : null,
    };

    private string? Rename(string? side) =>
        side is not null && side.Contains('$', StringComparison.Ordinal) && OptionsTemplate.Reference(side) is { } reference && Rename(reference, out var literal)
            ? literal?.ToJsonString() ?? "null"
            : side;

    private JsonNode? Parameter(string name) =>
        _settings.Parameters.TryGetValue(name, out var set) ? set.Write()
        : _spec.Parameters.First(p => p.Name == name).Default is { } literal ? JsonNode.Parse(literal)
        : throw new GristmillException(ErrorCodes.Invalid, $"The parameter '{name}' of the included pipeline '{_spec.Name}' has no default and is not set.",
            $"Set it: with => with.Set(\"{name}\", ...).");

    private StageNode Node(string stage) => _nodes.TryGetValue(stage, out var node) ? node : throw Unknown(stage);

    private GristmillException Unknown(string stage) => new(ErrorCodes.Invalid, $"The included pipeline '{_spec.Name}' has no stage '{stage}'.",
        $"It has: {string.Join(", ", _spec.Stages.Select(static s => s.Name).Take(50))}.");

    private sealed class Part(StageNode node, string output) : StageHandle(node, output);
}
