using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Engines;

/// <summary>
/// The two ends that all exported models share: one input of encoded rows, and the outputs that users of scikit-learn's and
/// LightGBM's converters know. To export another kind of model: <see cref="Begin"/>, its own nodes, <see cref="Finish"/>.
/// </summary>
public static class OnnxExport
{
    /// <summary>The input: [N, Width] 32-bit floats, rows as <see cref="FeatureEncoder"/> writes them.</summary>
    public const string Input = "input";

    /// <summary>[N]: the decision of a binary (64-bit integer, or text if the model has class names) or multiclass model (text).</summary>
    public const string Label = "label";

    /// <summary>[N, classes] 32-bit floats; of a binary model no and yes.</summary>
    public const string Probabilities = "probabilities";

    /// <summary>[N, 1] 32-bit float: what a regression predicts.</summary>
    public const string Variable = "variable";

    /// <summary>A graph with <see cref="Input"/>, and metadata that says what the rows are.</summary>
    /// <param name="manifest">The model's manifest.</param>
    /// <param name="features">The features of its rows.</param>
    public static OnnxGraph Begin(ModelManifest manifest, ImmutableArray<EncodedFeature> features)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var graph = new OnnxGraph($"{manifest.Engine}-{Name(manifest.Task)}");
        graph.Input(Input, OnnxElement.Float, features.Length);
        graph.Metadata("gristmill.engine", manifest.Engine);
        graph.Metadata("gristmill.task", Name(manifest.Task));
        graph.Metadata("gristmill.features", JsonSerializer.Serialize(features.Select(f => f.Name)));
        graph.Metadata("gristmill.categories", JsonSerializer.Serialize(features.Select(f => f.Categories)));
        if (manifest.Label is { } label)
        {
            graph.Metadata("gristmill.label", label);
        }

        return graph;
    }

    /// <summary>Adds the outputs, and gives the file.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="manifest">The model's manifest.</param>
    /// <param name="scores">A value [N, ScoresPerRow] of 32-bit floats: probabilities for binary and multiclass tasks, values for regression.</param>
    public static Stream Finish(OnnxGraph graph, ModelManifest manifest, string scores)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(manifest);
        switch (manifest.Task)
        {
            case ModelTask.Binary:
                // As in PredictionOutput, a probability of one half is a yes; the larger of the two would be a no.
                var yes = graph.Cast(graph.Add("GreaterOrEqual", [scores, graph.Constant<float>([PredictionOutput.Threshold])]), OnnxElement.Int64);
                AddLabel(graph, manifest, graph.Add("Reshape", [yes, graph.Constant<long>([-1], 1)]));
                var no = graph.Add("Sub", [graph.Constant<float>([1]), scores]);
                graph.Output(Probabilities, graph.Add("Concat", [no, scores], OnnxSetting.Of("axis", 1)), OnnxElement.Float, 2);
                break;
            case ModelTask.Multiclass:
                AddLabel(graph, manifest, graph.Add("ArgMax", [scores], OnnxSetting.Of("axis", 1), OnnxSetting.Of("keepdims", 0)));
                graph.Output(Probabilities, scores, OnnxElement.Float, manifest.Classes.Length);
                break;
            case ModelTask.Regression:
                graph.Output(Variable, scores, OnnxElement.Float, 1);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(manifest), manifest.Task, "A tensor model names its own outputs.");
        }

        return new MemoryStream(graph.ToArray(), writable: false);
    }

    /// <summary>The error of a model that has no ONNX form.</summary>
    /// <param name="manifest">The model's manifest.</param>
    /// <param name="why">What stands in the way: the end of a sentence after "because".</param>
    /// <param name="hint">What to do instead.</param>
    public static GristmillException Refuse(ModelManifest manifest, string why, string hint)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return new GristmillException(ErrorCodes.NotExportable, $"The model of engine '{manifest.Engine}' cannot be exported as ONNX, because {why}.", hint)
            .With("engine", manifest.Engine);
    }

    private static void AddLabel(OnnxGraph graph, ModelManifest manifest, string index)
    {
        if (manifest.Classes.IsEmpty)
        {
            graph.Output(Label, index, OnnxElement.Int64);
        }
        else
        {
            graph.Output(Label, graph.Add("Gather", [graph.Constant(manifest.Classes), index]), OnnxElement.String);
        }
    }

    private static string Name(ModelTask task) => JsonNamingPolicy.CamelCase.ConvertName(task.ToString());
}
