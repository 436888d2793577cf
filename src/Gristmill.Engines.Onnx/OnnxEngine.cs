using System.Collections.Immutable;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Gristmill.Engines.Onnx;

/// <summary>
/// onnx.import: takes an ONNX file in as a model, as it stands, after loading it once to learn its inputs, outputs,
/// shapes and types. Options: <see cref="OnnxImportOptions"/>.
/// </summary>
public sealed class OnnxEngine : IStageEngine
{
    /// <summary>The engine's name in manifests.</summary>
    public const string Name = "onnx";

    /// <summary>The model's file in a package.</summary>
    public const string ModelFile = "model.onnx";

    internal const string ScoreSetting = "score";
    internal const string ColumnsSetting = "columns";

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Type> Operations { get; } = new Dictionary<string, Type> { [StageOperations.ImportOnnx] = typeof(OnnxImportOptions) };

    /// <inheritdoc/>
    public Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var options = context.Options<OnnxImportOptions>();
        return Task.Run(() => Import(context, options, cancellationToken), cancellationToken);
    }

    private static StageOutputs Import(StageContext context, OnnxImportOptions options, CancellationToken cancellationToken)
    {
        var path = Resolve(context, options.Path);
        using var package = ModelPackage.Create(context.Content);
        var copy = System.IO.Path.Combine(package.Folder, ModelFile);
        File.Copy(path, copy);
        cancellationToken.ThrowIfCancellationRequested();
        ModelManifest manifest;
        using (var session = OnnxSession.Open(copy, 1))
        {
            manifest = Describe(session, options);
        }

        var model = package.Commit(manifest with
        {
            Provenance = ImmutableDictionary<string, string>.Empty
                .Add("file", System.IO.Path.GetFileName(path))
                .Add("onnxruntime", OrtEnv.Instance().GetVersionString()),
        });
        return new StageOutputs().Add("out", Artifact.Of(model));
    }

    private static string Resolve(StageContext context, string path)
    {
        if (!System.IO.Path.IsPathRooted(path))
        {
            path = System.IO.Path.Combine(context.BaseDirectory ?? throw new GristmillException(ErrorCodes.Invalid,
                $"The path '{path}' is relative, and there is no folder it could start at.", "Give an absolute path."), path);
        }

        return File.Exists(path) ? path : throw new GristmillException(ErrorCodes.FileNotFound, $"The file '{path}' does not exist or cannot be read.",
            "Correct the option path.").With("file", path);
    }

    internal static ModelManifest Describe(InferenceSession session, OnnxImportOptions options)
    {
        var inputs = Inputs(session, options);
        var settings = ImmutableDictionary<string, string>.Empty;
        if (!options.Columns.IsEmpty)
        {
            settings = settings.Add(ColumnsSetting, "packed");
        }

        if (options.Task is null or ModelTask.Tensor)
        {
            return new ModelManifest { Engine = Name, Task = ModelTask.Tensor, Inputs = inputs, Outputs = Outputs(session), Label = options.Label, Settings = settings };
        }

        var score = options.Score ?? session.OutputMetadata.FirstOrDefault(o => o.Value is { IsTensor: true, ElementDataType: TensorElementType.Float }).Key;
        if (score is null || !session.OutputMetadata.TryGetValue(score, out var output) || output is not { IsTensor: true, ElementDataType: TensorElementType.Float })
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The model has no output '{score}' of 32-bit floats.",
                $"Its outputs are {string.Join(", ", session.OutputNames)}.");
        }

        if (options.Task == ModelTask.Multiclass && options.Classes.Length < 2)
        {
            throw new GristmillException(ErrorCodes.Invalid, "A multiclass model needs its class names.", "Set the option classes.");
        }

        return new ModelManifest
        {
            Engine = Name,
            Task = options.Task.Value,
            Inputs = inputs,
            Outputs = PredictionOutput.Columns(options.Task.Value, options.Classes.Length),
            Classes = options.Classes,
            Label = options.Label,
            Settings = settings.Add(ScoreSetting, score),
        };
    }

    private static ImmutableArray<ColumnSignature> Inputs(InferenceSession session, OnnxImportOptions options)
    {
        if (!options.Columns.IsEmpty)
        {
            var only = session.InputMetadata.Count == 1 ? session.InputMetadata.Values.First() : null;
            return only is { IsTensor: true, ElementDataType: TensorElementType.Float, Dimensions: [_, var k] } && (k == options.Columns.Length || k <= 0)
                ? [.. options.Columns.Select(c => new ColumnSignature(c, ColumnType.Number))]
                : throw new GristmillException(ErrorCodes.Invalid,
                    $"The model's inputs ({Shapes(session.InputMetadata)}) are not one [rows, {options.Columns.Length}] tensor of floats.",
                    "Leave the option columns out, or name as many columns as the input is wide.");
        }

        return [.. session.InputMetadata.Select(i => Signature(i.Key, i.Value) ?? throw new GristmillException(ErrorCodes.ModelFormat,
            $"The model's input '{i.Key}' is {Shape(i.Value)}, which no column can feed.", "Export it with plain tensors, rows first.").With("column", i.Key))];
    }

    // Maps and sequences, such as scikit-learn's ZipMap, are left out while there is anything else.
    private static ImmutableArray<ColumnSignature> Outputs(InferenceSession session)
    {
        ImmutableArray<ColumnSignature> outputs = [.. session.OutputMetadata.Select(o => Signature(o.Key, o.Value)).OfType<ColumnSignature>()];
        return outputs.IsEmpty
            ? throw new GristmillException(ErrorCodes.ModelFormat, $"The model's outputs ({Shapes(session.OutputMetadata)}) are not tensors with a row a row.",
                "Export it without ZipMap.")
            : outputs;
    }

    private static ColumnSignature? Signature(string name, NodeMetadata node)
    {
        if (!node.IsTensor || node.Dimensions.Length == 0 || OnnxTypes.ToColumn(node.ElementDataType) is not { } type)
        {
            return null;
        }

        // The first dimension is the rows; [rows] and [rows, 1] are scalars.
        var inner = node.Dimensions[1..];
        return inner is [] or [1] ? new ColumnSignature(name, type)
            : node.ElementDataType is TensorElementType.String or TensorElementType.Bool ? null
            : new ColumnSignature(name, ColumnType.Tensor) { Shape = [.. inner.Select(d => d <= 0 ? -1L : d)] };
    }

    private static string Shapes(IReadOnlyDictionary<string, NodeMetadata> nodes) => string.Join(", ", nodes.Select(n => $"{n.Key} {Shape(n.Value)}"));

    private static string Shape(NodeMetadata node) => node.IsTensor ? $"{node.ElementDataType}[{string.Join(", ", node.Dimensions)}]" : node.OnnxValueType.ToString();
}
