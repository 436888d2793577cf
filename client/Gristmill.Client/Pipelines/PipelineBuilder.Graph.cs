using System.Reflection;

namespace Gristmill;

// The graph under the methods that users see: what is connected to what, and what is refused.
public sealed partial class PipelineBuilder
{
    internal StageNode Add(StageNode node)
    {
        if (_compiled)
        {
            throw new GristmillException(ErrorCodes.Invalid, "A stage was added after Pipeline.Create had returned.",
                "Add stages inside the definition, and do not keep its builder.");
        }

        _stages.Add(node);
        return node;
    }

    internal void Connect(StageNode node, string input, StageHandle handle, string? expression = null)
    {
        if (handle is null)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{node.Label}': its input '{input}' is null.", "Pass the handle of an earlier stage.");
        }

        handle.Suggest(expression);
        RequireEarlier(handle.Node, node);
        if (!node.Inputs.TryAdd(input, handle))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{node.Label}' has two inputs called '{input}'.", "Give them different names.");
        }
    }

    /// <summary>Makes a stage wait for the one whose number it uses.</summary>
    internal void Need(StageNode node, Scalar scalar)
    {
        RequireEarlier(scalar.Node, node);
        node.After.Add(scalar.Node);
    }

    internal void SetCondition(StageNode node, Condition condition)
    {
        Need(node, condition.Scalar);
        node.When = condition;
    }

    internal void RequireEarlier(StageNode earlier, StageNode later)
    {
        if (!ReferenceEquals(earlier.Owner, this))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{earlier.Label}' belongs to another pipeline.",
                "Write the table to a file there and read it here, or define both in one pipeline.");
        }

        var position = _stages.IndexOf(later);
        if (ReferenceEquals(earlier, later) || (position >= 0 && _stages.IndexOf(earlier) > position))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{later.Label}' cannot wait for '{earlier.Label}', which comes later.",
                "Define stages before those that wait for them.");
        }
    }

    /// <summary>All called methods live in one assembly: what a cluster is sent is one program.</summary>
    internal void UseCode(MethodInfo method)
    {
        var assembly = method.Module.Assembly;
        // The program that runs is what is shipped; its libraries go with it.
        Code = Code is null || assembly == Assembly.GetEntryAssembly() ? assembly : Code;
    }

    internal PipelineSpec Compile(string name, string? description)
    {
        _compiled = true;
        var spec = SpecCompiler.Compile(name, description, _parameters, _stages) with { Triggers = CompileTriggers(name) };
        if (PartitionBy.Compile() is { } partitions)
        {
            spec = spec with { Partitions = partitions };
            PipelineSpecValidator.ThrowIfInvalid(spec);
        }

        return spec;
    }

    private Parameter<T> AddParameter<T>(string name, string? @default)
    {
        NameRules.Require(name, "parameter");
        if (_parameters.Any(p => p.Name == name))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Two parameters are named '{name}'.", "Give each its own name.");
        }

        _parameters.Add(new ParameterSpec(name, ParameterTypes.Of(typeof(T), name), @default));
        return new Parameter<T>(this, name);
    }
}
