namespace Gristmill.Engines.Onnx;

/// <summary>Loads ONNX packages.</summary>
public sealed class OnnxModelEngine : IModelEngine
{
    /// <inheritdoc/>
    public string Name => OnnxEngine.Name;

    /// <inheritdoc/>
    public IPredictor Load(string folder, ModelManifest manifest, int threads)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(manifest);
        var path = Require(folder);
        var session = OnnxSession.Open(path, threads);
        try
        {
            return new OnnxPredictor(session, manifest);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The imported file as it stands.</summary>
    /// <inheritdoc/>
    public Stream ExportOnnx(string folder, ModelManifest manifest) => File.OpenRead(Require(folder));

    private static string Require(string folder)
    {
        var path = Path.Combine(folder, OnnxEngine.ModelFile);
        return File.Exists(path)
            ? path
            : throw new GristmillException(ErrorCodes.ModelFormat, $"The model package has no {OnnxEngine.ModelFile}.", "Import the model again.");
    }
}
