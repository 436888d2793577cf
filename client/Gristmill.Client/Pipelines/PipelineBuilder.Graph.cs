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

        if (_condition is { } condition)
        {
            SetCondition(node, condition);
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
        if (node.Collects(handle.Node) && node.Operation is not (StageOperations.Code or StageOperations.SqlQuery))
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{node.Label}' takes what stage '{handle.Node.Label}' makes for every item of loop '{handle.Node.Loop!.Label}', and it takes one thing.",
                "Collect in a stage of your own code, whose parameter is a list, or in a query.");
        }

        if (!node.Inputs.TryAdd(input, handle))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{node.Label}' has two inputs called '{input}'.", "Give them different names.");
        }
    }

    /// <summary>Makes a stage wait for the one whose number it uses.</summary>
    internal void Need(StageNode node, Scalar scalar)
    {
        Need(node, scalar.Node);
    }

    /// <summary>Makes a stage wait for the one that knows a value which its options or condition use.</summary>
    internal void Need(StageNode node, StageNode source)
    {
        RequireEarlier(source, node);
        if (node.Collects(source))
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{node.Label}' uses a value of stage '{source.Label}', which has one for each item of loop '{source.Loop!.Label}'.",
                "Pass it to a parameter that is a list, or use it in the body of the loop.");
        }

        node.After.Add(source);
    }

    internal void SetCondition(StageNode node, Condition condition)
    {
        foreach (var asked in condition.Nodes)
        {
            Need(node, asked);
        }

        node.When = node.When is { } before ? before & condition : condition;
    }

    internal void ChangeParameter(string name, Func<ParameterSpec, ParameterSpec> change)
    {
        var i = _parameters.FindIndex(p => p.Name == name);
        _parameters[i] = change(_parameters[i]);
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
        if (_onFailure is null && _continues is { } included)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"The included pipeline '{included}' says what a failed stage means ({nameof(FailurePolicy)}.{nameof(FailurePolicy.Continue)}), and this one does not: one policy holds for a whole run.",
                "Say it here, too: p.OnFailure(FailurePolicy.Continue), or FailFast.");
        }

        var spec = SpecCompiler.Compile(name, description, _parameters, _stages, _onFailure ?? FailurePolicy.FailFast) with { Triggers = CompileTriggers(name) };
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
