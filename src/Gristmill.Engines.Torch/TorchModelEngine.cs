namespace Gristmill.Engines.Torch;

/// <summary>
/// Loads packages of engine "torch": tabular MLPs of <see cref="TorchEngine"/>, modules saved by
/// <see cref="TorchModels.SaveModule"/>, and TorchScript files saved by <see cref="TorchModels.SaveScript"/>.
/// </summary>
/// <param name="resolveType">
/// Finds a user's module type by its assembly-qualified name in the assemblies of a code package (null: those of the
/// process). Null: <see cref="Type.GetType(string)"/>.
/// </param>
public sealed class TorchModelEngine(Func<string, CodeRef?, Type?>? resolveType = null) : IModelEngine
{
    internal const string EngineName = "torch";
    internal const string KindSetting = "kind";
    internal const string MlpKind = "mlp";
    internal const string ModuleKind = "module";
    internal const string ScriptKind = "torchscript";

    private readonly Func<string, CodeRef?, Type?> _resolveType = resolveType ?? ((name, _) => Type.GetType(name));

    /// <inheritdoc/>
    public string Name => EngineName;

    /// <inheritdoc/>
    public IPredictor Load(string folder, ModelManifest manifest, int threads)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return manifest.Settings.GetValueOrDefault(KindSetting) switch
        {
            MlpKind => LoadMlp(folder, manifest, threads),
            ModuleKind => ModulePredictor.Load(folder, manifest, threads, _resolveType),
            ScriptKind => ScriptPredictor.Load(folder, manifest, threads),
            var kind => throw new GristmillException(ErrorCodes.ModelFormat, $"The torch package is of kind '{kind}', which this version does not know.",
                "Upgrade Gristmill, or train the model again."),
        };
    }

    /// <inheritdoc/>
    public Stream ExportOnnx(string folder, ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        if (manifest.Settings.GetValueOrDefault(KindSetting) is not MlpKind and var kind)
        {
            throw OnnxExport.Refuse(manifest, $"it is of kind '{kind}': code of your own, of which the package knows the state but not the operators",
                "Train with torch.mlp, or export the module with Python's torch.onnx and take the file in with ImportOnnx.");
        }

        var (encoder, weights) = ReadMlp(folder, manifest);
        return MlpOnnx.Export(manifest, encoder.Features, weights);
    }

    private static MlpPredictor LoadMlp(string folder, ModelManifest manifest, int threads)
    {
        var (encoder, weights) = ReadMlp(folder, manifest);
        return new MlpPredictor(manifest, encoder, weights, threads);
    }

    private static (FeatureEncoder Encoder, MlpWeights Weights) ReadMlp(string folder, ModelManifest manifest)
    {
        var encoder = MatrixPredictorBase.LoadEncoder(folder, manifest);
        return (encoder, MlpWeights.Load(Path.Combine(folder, MlpWeights.FileName), encoder, PredictionOutput.ScoresPerRow(manifest)));
    }
}
