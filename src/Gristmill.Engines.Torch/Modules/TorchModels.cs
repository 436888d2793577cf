using System.Collections.Immutable;
using System.Text.Json;
using Gristmill.Objects;
using TorchSharp;
using static TorchSharp.torch;

namespace Gristmill.Engines.Torch;

/// <summary>Saves your own torch models as packages that deploy like any other.</summary>
public static class TorchModels
{
    internal const string TypeSetting = "type";
    internal const string ArgumentsSetting = "arguments";
    internal const string CodeDigestSetting = "codeDigest";
    internal const string CodeAssemblySetting = "codeAssembly";
    internal const string ScriptFile = "model.pt";

    /// <summary>
    /// Saves a module of yours: its state_dict as safetensors, its type's name and constructor arguments, and the code
    /// package that holds the type. When it is deployed it is constructed anew and given the state.
    /// </summary>
    /// <param name="content">Where the package goes.</param>
    /// <param name="module">Takes [rows, encoder.Width] and gives logits: [rows] or [rows, 1] for binary tasks and regressions (there: values), [rows, classes] for multiclass ones.</param>
    /// <param name="encoder">The transforms its features were made with.</param>
    /// <param name="task">What it predicts.</param>
    /// <param name="code">The user's assemblies (<see cref="StageRequest.Code"/>), or null if the type is the host's own.</param>
    /// <param name="arguments">What the module's constructor takes to build it again: numbers, text, booleans, arrays of these.</param>
    /// <param name="metrics">Metrics to keep with it.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/> for a type that cannot be constructed so; <see cref="ErrorCodes.TypeMismatch"/> for a state safetensors cannot hold.</exception>
    public static ModelRef SaveModule(
        ContentStore content, nn.Module<Tensor, Tensor> module, FeatureEncoder encoder, ModelTask task, CodeRef? code = null,
        IReadOnlyList<object?>? arguments = null, ImmutableDictionary<string, double>? metrics = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(encoder);
        TorchRuntime.EnsureLoaded();
        var type = module.GetType();
        var json = JsonSerializer.Serialize(arguments ?? []);
        ModuleFactory.Require(type, json);

        using var package = ModelPackage.Create(content);
        StateFile.Save(module, Path.Combine(package.Folder, MlpWeights.FileName));
        var settings = ImmutableDictionary<string, string>.Empty
            .Add(TorchModelEngine.KindSetting, TorchModelEngine.ModuleKind)
            .Add(TypeSetting, type.AssemblyQualifiedName!)
            .Add(ArgumentsSetting, json);
        if (code is not null)
        {
            settings = settings.Add(CodeDigestSetting, code.Digest).Add(CodeAssemblySetting, code.EntryAssembly);
        }

        var classes = task == ModelTask.Multiclass ? encoder.Label?.Classes ?? [] : [];
        return package.Commit(new ModelManifest
        {
            Engine = TorchModelEngine.EngineName,
            Task = task,
            Inputs = encoder.Inputs,
            Outputs = PredictionOutput.Columns(task, classes.Length),
            Label = encoder.Label?.Name,
            Classes = classes,
            Settings = settings,
            Metrics = metrics ?? ImmutableDictionary<string, double>.Empty,
            Provenance = ImmutableDictionary<string, string>.Empty.Add("libtorch", torch.__version__),
        }, encoder);
    }

    /// <summary>Packages a TorchScript file (<c>torch.jit.save</c> in Python) as it stands: one tensor in, one tensor out.</summary>
    /// <param name="content">Where the package goes.</param>
    /// <param name="path">The file.</param>
    /// <param name="inputShape">Sizes of one row's input, without the row dimension, such as [1, 28, 28].</param>
    /// <param name="outputShape">Sizes of one row's output.</param>
    /// <param name="input">Name of the input column.</param>
    /// <param name="output">Name of the output column.</param>
    /// <exception cref="GristmillException">file_not_found; model.format if torch cannot load it or it does not take and give such shapes.</exception>
    public static ModelRef SaveScript(
        ContentStore content, string path, IReadOnlyList<long> inputShape, IReadOnlyList<long> outputShape, string input = "input", string output = "output")
    {
        if (!File.Exists(path))
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"There is no file {path}.").With("file", path);
        }

        TorchRuntime.EnsureLoaded();
        var manifest = new ModelManifest
        {
            Engine = TorchModelEngine.EngineName,
            Task = ModelTask.Tensor,
            Inputs = [new ColumnSignature(input, ColumnType.Tensor) { Shape = [.. inputShape] }],
            Outputs = [new ColumnSignature(output, ColumnType.Tensor) { Shape = [.. outputShape] }],
            Settings = ImmutableDictionary<string, string>.Empty.Add(TorchModelEngine.KindSetting, TorchModelEngine.ScriptKind),
            Provenance = ImmutableDictionary<string, string>.Empty.Add("libtorch", torch.__version__),
        };
        using var package = ModelPackage.Create(content);
        File.Copy(path, Path.Combine(package.Folder, ScriptFile));
        using (var trial = ScriptPredictor.Load(package.Folder, manifest, threads: 1))
        {
            trial.Try();
        }

        return package.Commit(manifest);
    }
}
