using Microsoft.ML;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// Loads ML.NET packages: models this engine trained, and users' own estimator chains (<see cref="MLNetModels"/>). A chain
/// with custom mappings needs the assembly that holds them loaded in the process.
/// </summary>
public sealed class MLNetModelEngine : IModelEngine
{
    /// <inheritdoc/>
    public string Name => MLNetEngine.Name;

    /// <inheritdoc/>
    public IPredictor Load(string folder, ModelManifest manifest, int threads)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(manifest);
        ITransformer? model = null;
        try
        {
            model = new MLContext().Model.Load(Path.Combine(folder, MLNetEngine.ModelFile), out var schema);
            return manifest.Features is null
                ? new MLNetChainPredictor(model, schema, manifest)
                : new MLNetMatrixPredictor(model, schema, manifest, MatrixPredictorBase.LoadEncoder(folder, manifest));
        }
        catch (Exception e) when (e is not GristmillException and not OutOfMemoryException)
        {
            (model as IDisposable)?.Dispose();
            throw new GristmillException(ErrorCodes.ModelFormat, $"{MLNetEngine.ModelFile} is not a model that ML.NET can load: {e.Message}",
                "Save it again with MLNetModels.Save, with the ML.NET version in use here.", e);
        }
    }

    /// <summary>Refuses: what knows the ONNX form of each of ML.NET's transformers is a package that this build does not take.</summary>
    /// <inheritdoc/>
    public Stream ExportOnnx(string folder, ModelManifest manifest) => throw OnnxExport.Refuse(manifest,
        "what exports ML.NET's models (Microsoft.ML.OnnxConverter) is not part of this build",
        "Train with LightGBM or torch.mlp, or convert the model with that package in a program of your own and take the file in with ImportOnnx.");
}
