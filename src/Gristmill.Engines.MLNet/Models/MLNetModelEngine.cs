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
}
