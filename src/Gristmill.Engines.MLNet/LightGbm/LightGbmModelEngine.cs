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
        return new LightGbmPredictor(Require(folder), manifest, MatrixPredictorBase.LoadEncoder(folder, manifest), threads);
    }

    /// <inheritdoc/>
    public Stream ExportOnnx(string folder, ModelManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(manifest);
        return LightGbmOnnx.Export(manifest, MatrixPredictorBase.LoadEncoder(folder, manifest).Features, LightGbmText.Read(Require(folder)));
    }

    private static string Require(string folder)
    {
        var path = Path.Combine(folder, LightGbmEngine.ModelFile);
        return File.Exists(path)
            ? path
            : throw new GristmillException(ErrorCodes.ModelFormat, $"The model package has no {LightGbmEngine.ModelFile}.", "Train the model again.");
    }
}
