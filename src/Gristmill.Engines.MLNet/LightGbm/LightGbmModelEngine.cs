namespace Gristmill.Engines.MLNet;

/// <summary>Loads LightGBM packages.</summary>
public sealed class LightGbmModelEngine : IModelEngine
{
    /// <inheritdoc/>
    public string Name => LightGbmEngine.Name;

    /// <inheritdoc/>
    public IPredictor Load(string folder, ModelManifest manifest, int threads)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(manifest);
        var path = Path.Combine(folder, LightGbmEngine.ModelFile);
        return File.Exists(path)
            ? new LightGbmPredictor(path, manifest, MatrixPredictorBase.LoadEncoder(folder, manifest), threads)
            : throw new GristmillException(ErrorCodes.ModelFormat, $"The model package has no {LightGbmEngine.ModelFile}.", "Train the model again.");
    }
}
