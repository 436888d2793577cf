namespace Gristmill;

// Stages of users' own code.
public sealed partial class PipelineBuilder
{
    /// <summary>
    /// Runs a static method of yours, or a lambda that captures nothing, as a stage: <c>p.Run(TrainMlp, train, 4)</c> for
    /// <c>static ModelRef TrainMlp(Dataset train, int epochs, StageContext stage)</c>.
    /// </summary>
    /// <param name="stage">
    /// The method. It runs in a worker, perhaps on another host and in another process: whatever it needs must be among its
    /// parameters. Tables come as Dataset, ObjectLease or ObjectRef, models as ModelInput or ModelRef, metrics as an
    /// ImmutableDictionary; StageContext, CancellationToken and IProgress&lt;StageProgress&gt; are handed in.
    /// </param>
    /// <param name="arguments">One for each parameter that is not handed in, in order; those with a default may be left out at the end.</param>
    /// <returns>A handle that converts to what the method returns.</returns>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Invalid"/>: it captures variables, is generic or not static, or the arguments do not fit.
    /// </exception>
    public CodeStage Run(Delegate stage, params ReadOnlySpan<StageArgument> arguments)
    {
        ArgumentNullException.ThrowIfNull(stage);
        var call = CodeCall.Bind(stage, arguments);
        StageNode? node = null;
        node = new StageNode(this, StageOperations.Code, NameRules.Kebab(call.StageName) ?? "run")
        {
            Options = () => call.WriteOptions(node!),
            SingleOutput = call.Results.Items.IsEmpty,
            RequiredInputs = call.RequiredInputs,
        };
        foreach (var (parameter, argument) in call.Arguments)
        {
            call.RequireFits(parameter, argument, node);
            if (argument.Scalar is { } scalar && !node.Collects(scalar.Node))
            {
                Need(node, scalar);
            }
            else if (argument.Scalar is { } collected)
            {
                Connect(node, parameter.Name!, new MetricSet(collected.Node, collected.Output));
                node.InputMetrics[parameter.Name!] = collected.Metric;
            }
            else if (argument.Handle is StageValue { Metric: { } metric } number && !node.Collects(number.Node))
            {
                Need(node, number.Node);
            }
            else if (argument.Handle is { } handle)
            {
                // The parameter's name is the second-best hint: the variable may still show itself elsewhere.
                Connect(node, parameter.Name!, handle);
                if (handle is StageValue { Metric: { } each })
                {
                    node.InputMetrics[parameter.Name!] = each;
                }
            }
        }

        UseCode(stage.Method);
        Add(node);
        return new CodeStage(node, call.Results, call.Results.Name, call.Results.Items.IsEmpty ? call.Results.Kind : ResultKind.None);
    }
}
